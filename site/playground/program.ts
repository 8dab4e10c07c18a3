import { transform } from 'sucrase'

/** From the text of an example to a function that runs it. */

/** What an example may import, by name. */
export type Modules = Readonly<Record<string, unknown>>

type Run = (require: (name: string) => unknown, exports: object) => Promise<void>

const AsyncFunction = (async () => {}).constructor as new (...parts: string[]) => Run

/** Errors name it, with the line. */
const file = 'example.ts'

/** Lines that `Function` puts before the first of ours. */
const linesBefore = 2

/** Throws a `SyntaxError` where it does not parse. */
export function compile(code: string): Run {
  const { code: script } = transform(code, {
    transforms: ['typescript', 'imports'],
    disableESTransforms: true,
    filePath: file,
  })
  return new AsyncFunction('require', 'exports', `${script}\n//# sourceURL=${file}`)
}

/** Gives an example what it imports, or says what there is. */
export const requireFrom =
  (modules: Modules) =>
  (name: string): unknown => {
    if (Object.hasOwn(modules, name)) return modules[name]
    throw new Error(
      `'${name}' cannot be imported here: in the browser there are ${Object.keys(modules).join(', ')}`,
    )
  }

/** The line of the example where the error comes from, counted from 1. */
export function lineOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return
  const parsed = /\((\d+):\d+\)/.exec(error.message)
  if (error instanceof SyntaxError && parsed) return Number(parsed[1])
  const thrown = new RegExp(`${file.replace('.', '\\.')}:(\\d+)`).exec(error.stack ?? '')
  return thrown ? Number(thrown[1]) - linesBefore : undefined
}
