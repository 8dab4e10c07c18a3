// Node's own streams, as they are published for browsers.
export { Readable } from 'readable-stream'
