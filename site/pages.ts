import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, posix, resolve } from 'node:path'
import { type Example, examplesOfGuide } from '../test/docs/examples.ts'

/** From the guides of the repository to pages of the site, and to the examples of the playground. */

export const root = resolve(import.meta.dirname, '..')

/** Where links lead that leave the guides. */
const repository = 'https://github.com/lockrow/lockrow/blob/main'

/** What the playground runs. */
export interface PlaygroundExample {
  /** The guide and a number, as in the address of the playground. */
  id: string
  /** The guide's title. */
  page: string
  /** The heading under which it stands. */
  title: string
  code: string
}

export const guides = readdirSync(join(root, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`)

/** The first heading of a page. */
export const titleOf = (text: string): string => /^# (.+)$/m.exec(text)?.[1] ?? ''

/** What an example can import in a browser: the list of site/playground/worker.ts. */
export const browserModules = ['lockrow', 'lockrow/recipes', 'lockrow/schedules', 'lockrow/collections']

const importsOf = (code: string): string[] =>
  [...code.matchAll(/^\s*(?:\} |import .*?)from '([^']+)'/gm)].map(([, name]) => name!)

const canRun = ({ code, runs }: Example): boolean =>
  runs && importsOf(code).every((name) => browserModules.includes(name)) && !/\bprocess\./.test(code)

const lineOf = ({ name }: Example): number => Number(/\d+$/.exec(name)![0])

function headingBefore(text: string, line: number): string {
  const above = text.split('\n').slice(0, line)
  return above.findLast((one) => /^#{1,4} /.test(one))?.replace(/^#+ /, '') ?? ''
}

/** Those of a page that run in a browser, by the line where they begin. */
function examplesByLine(path: string): Map<number, PlaygroundExample> {
  const text = readFileSync(join(root, path), 'utf8')
  const page = basename(path, '.md').toLowerCase()
  const found = examplesOfGuide(join(root, path)).filter(canRun)
  return new Map(
    found.map((example, i) => [
      lineOf(example),
      {
        id: `${page}-${i + 1}`,
        page: titleOf(text),
        title: headingBefore(text, lineOf(example)),
        code: example.code,
      },
    ]),
  )
}

export const playgroundExamples = (): PlaygroundExample[] =>
  ['README.md', ...guides].flatMap((path) => [...examplesByLine(path).values()])

/** Where a relative link leads on the site. */
function targetOf(page: string, target: string): string {
  if (/^([a-z]+:|#|\/)/.test(target)) return target
  const path = posix.join(dirname(page), target)
  if (path.startsWith('docs/')) return target
  if (/^README\.md(#|$)/.test(path)) return '/'
  return `${repository}/${path.replace(/\/$/, '')}`
}

/** A guide as a page: links that lead where the site has it, and below each example one to the playground. */
export function pageOf(path: string): string {
  const examples = examplesByLine(path)
  let fence: PlaygroundExample | undefined
  const lines = readFileSync(join(root, path), 'utf8').split('\n')
  return lines
    .flatMap((line, i) => {
      if (line.startsWith('```ts')) fence = examples.get(i + 1)
      else if (line === '```' && fence) {
        const { id } = fence
        fence = undefined
        return [line, '', `[Run it](/playground#${id}){.run-it}`, '']
      }
      return [line.replace(/\]\(([^)\s]+)\)/g, (_, target: string) => `](${targetOf(path, target)})`)]
    })
    .join('\n')
}
