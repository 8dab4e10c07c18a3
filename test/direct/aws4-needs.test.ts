import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect, it } from 'vitest'
import * as needs from '../../src/direct/aws4-needs.ts'

const file = createRequire(import.meta.url).resolve('aws4')
const text = readFileSync(file, 'utf8')

it('everything that aws4 takes from Node for a request with headers is there when it is bundled', () => {
  const modules = [...text.matchAll(/require\('([^.'][^']*)'\)/g)].map(([, name]) => name)
  expect(modules.sort()).toEqual(['crypto', 'querystring', 'url'])
  const used = [...text.matchAll(/\bcrypto\.(\w+)/g)].map(([, name]) => name!)
  expect([...new Set(used)].sort()).toEqual(Object.keys(needs).sort())
  // For a request that is a text, and for a query: `signedHeaders` has neither.
  expect(text.match(/\burl\.\w+/g)).toEqual(['url.parse'])
  expect(text.match(/\bquerystring\.\w+/g)).toEqual(['querystring.parse', 'querystring.stringify'])
})
