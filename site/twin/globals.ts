/** What Node has as globals and a browser has not. The bundler puts these where the sources name them. */
export { Buffer } from './buffer.ts'

export const process = {
  env: {},
  version: '',
  versions: {},
  /** Of streams: after what runs now, before anything else. */
  nextTick: (act: (...values: unknown[]) => void, ...values: unknown[]) =>
    queueMicrotask(() => act(...values)),
  stdout: { write: (text: string) => console.log(text.replace(/\n$/, '')) },
}
