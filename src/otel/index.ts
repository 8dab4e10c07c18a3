export { type TracedHandlerOptions, tracedHandler } from './traced-handler.ts'
export * from './tracing.ts'
