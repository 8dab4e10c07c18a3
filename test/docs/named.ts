import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** What the documentation names: files of the repository, and commands of npm. */

const root = resolve(import.meta.dirname, '../..')

/** Written by a command, or there in a checkout of git only. */
const generated = ['docs/api', 'site/dist', '.github', '.tmp']

/** The guides that people read, by their paths in the repository. */
export const guides = [
  'README.md',
  'CONTRIBUTING.md',
  ...markdownIn('docs'),
  ...readdirSync(join(root, 'examples'))
    .map((name) => `examples/${name}/README.md`)
    .filter((path) => existsSync(join(root, path))),
]

function markdownIn(folder: string): string[] {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`)
}

export const textOf = (path: string): string => readFileSync(join(root, path), 'utf8')

const folders = 'src|test|docs|site|bench|infra|examples|\\.ci|\\.github'
const pathPattern = new RegExp(`(?<![\\w./@-])(?:${folders})/[\\w./*-]+`, 'g')

/** Paths of the repository that a text names from its root, such as `src/index.ts`. */
export function pathsIn(text: string): string[] {
  const found = [...text.matchAll(pathPattern)].map(([path]) => path.replace(/[./*]+$/, ''))
  return [...new Set(found)]
}

/** Relative links of a page, from the root of the repository, without their anchors. */
export function linksIn(page: string, text: string): string[] {
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!)
  const local = targets.filter((target) => !/^([a-z]+:|#)/.test(target))
  return local.map((target) => join(dirname(page), target.replace(/#.*$/, '')))
}

export const commandsIn = (text: string): string[] => [
  ...new Set([...text.matchAll(/npm run (?:-s |--silent )?([a-z][\w:-]*)/g)].map(([, name]) => name!)),
]

/** Whether the path is in the repository. */
export const isThere = (path: string): boolean =>
  generated.some((one) => path === one || path.startsWith(`${one}/`)) || existsSync(join(root, path))

export const scripts: Readonly<Record<string, string>> = JSON.parse(textOf('package.json')).scripts
