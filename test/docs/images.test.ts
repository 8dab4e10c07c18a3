import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { folder, pictures } from '../../site/drawings/main.ts'
import { guides, isThere, textOf } from './named.ts'

/** The pictures of the documentation are those that are drawn, and stand by themselves. */

const names = Object.keys(pictures)
const committed = (name: string) => readFileSync(join(folder, name), 'utf8')

it('docs/images is what npm run docs:images writes', () => {
  expect(
    readdirSync(folder)
      .filter((name) => name.endsWith('.svg'))
      .sort(),
  ).toEqual([...names].sort())
  for (const name of names)
    expect(committed(name), `npm run docs:images draws ${name} anew`).toBe(pictures[name])
})

const shownBy = (page: string): string[] =>
  [...textOf(page).matchAll(/!\[([^\]]*)\]\(([^)]+)\)/g)].map(([, says, address]) => {
    expect(says!.length, `${page} says what ${address} shows`).toBeGreaterThan(40)
    return address!
  })

it('the README shows its pictures also on npm, where no relative address leads to an image', () => {
  const { repository } = JSON.parse(textOf('package.json'))
  const [, owned] = /github\.com\/(.+)\.git$/.exec(repository.url)!
  const begin = `https://raw.githubusercontent.com/${owned}/HEAD/`
  const shown = shownBy('README.md')
  expect(shown).toContain(`${begin}docs/images/overview.svg`)
  expect(
    shown.filter((address) => !address.startsWith(begin) || !isThere(address.slice(begin.length))),
  ).toEqual([])
})

it('every picture is shown by a page', () => {
  const shown = guides.flatMap(shownBy).map((address) => basename(address))
  expect(names.filter((name) => !shown.includes(name))).toEqual([])
})

describe.each(names)('%s', (name) => {
  const svg = committed(name)

  it('says what it shows, in light and dark colours, and loads nothing', () => {
    expect(svg).toMatch(/<title id="t">[^<]+<\/title>\n<desc id="d">[^<]{60,}<\/desc>/)
    expect(svg).toContain('prefers-color-scheme:dark')
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/https?:|href|@import|url\(/)
    // They are in the npm package.
    expect(svg.length).toBeLessThan(10_000)
  })

  it('has its text inside of its frame', () => {
    const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.map(Number) as [number, number, number]
    const points = [...svg.matchAll(/<text x="([\d.-]+)" y="([\d.-]+)"/g)]
    expect(points.length).toBeGreaterThan(8)
    const outside = points.filter(([, x, y]) => !(+x! > 0 && +x! < width && +y! > 0 && +y! < height))
    expect(outside).toEqual([])
  })
})
