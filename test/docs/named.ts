import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import GithubSlugger from 'github-slugger'

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

/** Anchors of the headings of a page, as GitHub and the site make them. */
export function anchorsOf(text: string): Set<string> {
  const slugger = new GithubSlugger()
  const withoutCode = text.replace(/^```[\s\S]*?^```$/gm, '')
  return new Set([...withoutCode.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => slugger.slug(heading!)))
}

/** Links to a heading, in this page or in another guide: the page from the root, and the anchor. */
export function anchoredIn(page: string, text: string): [page: string, anchor: string][] {
  const targets = [...text.matchAll(/\]\(([^)\s:]*\.md)?#([^)\s]+)\)/g)]
  return targets.map(([, path, anchor]) => [path ? join(dirname(page), path) : page, anchor!])
}

export const commandsIn = (text: string): string[] => [
  ...new Set([...text.matchAll(/npm run (?:-s |--silent )?([a-z][\w:-]*)/g)].map(([, name]) => name!)),
]

/** Whether the path is in the repository. */
export const isThere = (path: string): boolean =>
  generated.some((one) => path === one || path.startsWith(`${one}/`)) || existsSync(join(root, path))

export const scripts: Readonly<Record<string, string>> = JSON.parse(textOf('package.json')).scripts
