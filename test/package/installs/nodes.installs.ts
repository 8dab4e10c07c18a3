// The packed package on the oldest Node that it allows, and on the newest 20, 22 and 24.

import { mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { install, packed, project, root, run } from './packed.ts'

/** `engines` begins where `AbortSignal.any` does, by which every call joins the caller's signal with its own. */
const versions = ['20.3.0', '20', '22', '24']

const { folder, tarball, remove } = packed('nodes')
afterAll(remove)

/** The binaries that the npm package `node` installs. */
const binaries = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`

const suite = `
import { after, describe, test } from 'node:test'
import { AtomicMemoryDb } from 'lockrow'
import { conformanceSuite } from 'lockrow/testing'
conformanceSuite({ describe, it: test, afterAll: after }, 'the twin', {
  open: async (runtime) => {
    const db = new AtomicMemoryDb({ runtime })
    return { client: () => db, close: async () => {} }
  },
})`

const dynamo = `
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { atomic, Mutex } from 'lockrow'
import { AtomicDynamoDB, createTable } from 'lockrow/dynamo'
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
const client = new DynamoDBClient({ endpoint: process.argv[2], region: 'local', credentials })
const table = 'node-' + process.version + Date.now()
await createTable(client, table)
const db = new AtomicDynamoDB(client, table, { timeoutMs: 20_000 })
await atomic(db).set({ pk: 'a', sk: 'b', data: { n: 1 } }).commit()
const { item } = await db.update({ pk: 'a', sk: 'b' }, { add: { n: 41 } }, { signal: new AbortController().signal })
const token = await new Mutex(db, { pk: 'm', sk: 'm' }, { ttlMs: 5000 }).run(({ fencingToken }) => fencingToken)
console.log(process.versions.node, item.data.n, token)
client.destroy()`

describe.each(versions)('on Node %s', (version) => {
  const at = join(folder, `node-${version}`)
  const node = join(at, 'node_modules', binaries, 'bin/node')
  const env = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' }

  it('it is installed', () => {
    project(at, {
      'suite.mjs': suite,
      'dynamo.mjs': dynamo,
      'required.cjs': `console.log(typeof require('lockrow').atomic)`,
    })
    const { code, err } = install(at, [tarball, `${binaries}@${version}`])
    expect({ code, err }).toMatchObject({ code: 0 })
    expect(run(at, node, ['--version']).out).toMatch(new RegExp(`^v${version}`))
    const link = join(at, 'node_modules/@aws-sdk')
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(root, 'node_modules/@aws-sdk'), link)
  })

  it('the twin passes the conformance suite', () => {
    const { code, out } = run(at, node, ['--test', '--test-reporter=tap', 'suite.mjs'])
    const count = (what: string) => Number(new RegExp(`^# ${what} (\\d+)`, 'm').exec(out)?.[1] ?? -1)
    expect({ code, failed: count('fail') }, out.slice(-3000)).toEqual({ code: 0, failed: 0 })
    expect(count('pass')).toBeGreaterThan(300)
  })

  it('it works on DynamoDB Local, is required, and has a command line', () => {
    const { code, out, err } = run(at, node, ['dynamo.mjs', inject('dynamoEndpoint')], env)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(new RegExp(`^${version}[\\d.]* 42 1$`))
    expect(run(at, node, ['required.cjs'])).toEqual({ code: 0, out: 'function', err: '' })
    expect(run(at, node, ['node_modules/lockrow/dist/cli/index.mjs', '--version'])).toMatchObject({
      code: 0,
      err: '',
    })
  })
})
