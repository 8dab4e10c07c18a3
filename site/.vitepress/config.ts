import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { slug } from 'github-slugger'
import { type DefaultTheme, defineConfig } from 'vitepress'
import { titleOf } from '../pages.ts'

/** The site of the documentation. `SITE_BASE` is the path below which it is served, `/` by default. */

const pages = resolve(import.meta.dirname, '../.tmp/pages')

/** The guides in the order in which they are read. What is in no group comes last. */
const groups: [string, string[]][] = [
  ['Data', ['data-model', 'locking', 'updates', 'transactions', 'collections', 'cache']],
  ['Work', ['queue', 'schedules', 'coordination', 'recipes']],
  ['In production', ['deploy', 'operations', 'console', 'costs', 'scale', 'security', 'cli']],
  [
    'Around it',
    ['testing', 'migrating', 'direct', 'sqlite', 'postgres', 'redis', 'backends', 'architecture'],
  ],
]

const base = process.env.SITE_BASE ?? '/'

const ownPages = ['index', 'playground']
const all = readdirSync(pages)
  .filter((name) => name.endsWith('.md'))
  .map((name) => name.slice(0, -3))
  .filter((name) => !ownPages.includes(name))
const listed = groups.flatMap(([, names]) => names)

const entry = (name: string): DefaultTheme.SidebarItem => ({
  text: titleOf(readFileSync(join(pages, `${name}.md`), 'utf8')),
  link: `/${name}`,
})

const sidebar = [...groups, ['More', all.filter((name) => !listed.includes(name))] as [string, string[]]]
  .map(([text, names]) => ({ text, items: names.filter((name) => all.includes(name)).map(entry) }))
  .filter(({ items }) => items.length > 0)

export default defineConfig({
  title: 'lockrow',
  description: 'An atomic database in one DynamoDB table',
  base,
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: `${base}favicon.svg` }]],
  srcDir: '.tmp/pages',
  outDir: 'dist',
  cacheDir: '.tmp/cache',
  cleanUrls: false,
  lastUpdated: false,
  // Anchors as GitHub makes them: links of the guides hold in both places.
  markdown: { anchor: { slugify: slug } },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guides', link: '/data-model', activeMatch: '^/(?!playground|$)' },
      { text: 'Playground', link: '/playground' },
      { text: 'API', link: '/api/index.html', target: '_self' },
      { text: 'GitHub', link: 'https://github.com/lockrow/lockrow' },
    ],
    sidebar,
  },
})
