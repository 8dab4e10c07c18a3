// Streams require it as a module.
export { process as default, process } from './globals.ts'
