// The files that would be deployed: bundled by the app of the CDK, and run by plain node on DynamoDB Local.

import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { getOrder, getStock, postOrder, scheduleEvent } from '../../examples/orders/run/events.ts'
import { OUTBOX } from '../../examples/orders/shop.ts'
import { dropTable, freshTable, localClient } from '../setup/local.ts'
import { setStock } from './helpers.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const tsx = join(dirname(createRequire(import.meta.url).resolve('tsx/package.json')), 'dist', 'cli.mjs')
const outdir = mkdtempSync(join(tmpdir(), 'lockrow-bundles-'))
const run = promisify(execFile)
const client = localClient(inject('dynamoEndpoint'))
let table = ''

beforeAll(async () => {
  const synth = run(process.execPath, [tsx, 'infra/cdk/app.ts'], {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: outdir, CDK_OUTDIR: outdir },
  })
  table = await freshTable(client, 'bundles')
  await setStock(new AtomicDynamoDB(client, table), 'boot', 5)
  await synth
})
afterAll(async () => {
  await dropTable(client, table)
  client.destroy()
  rmSync(outdir, { recursive: true, force: true })
})

/** The bundle of a function, found as CloudFormation finds it: by the template. */
function bundleOf(name: string): string {
  const { Resources } = JSON.parse(readFileSync(join(outdir, 'Lockrow.template.json'), 'utf8')) as {
    Resources: Record<string, { Type: string; Properties: { Code?: { S3Key: string } } }>
  }
  const [, fn] = Object.entries(Resources).find(
    ([id, { Type }]) => Type === 'AWS::Lambda::Function' && id.startsWith(`Orders${name}`),
  )!
  return join(outdir, `asset.${fn.Properties.Code!.S3Key.replace(/\.zip$/, '')}`, 'index.mjs')
}

const caller = `
  const [file, events] = [process.argv[1], JSON.parse(process.argv[2])]
  const { handler } = await import(file)
  const end = Date.now() + 20000
  const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => end - Date.now() }
  const answers = []
  for (const event of events) answers.push(await handler(event, context))
  process.stdout.write('\\nANSWERS ' + JSON.stringify(answers))
`

/** Calls a bundle in a process that knows neither this repository nor a loader. */
async function invoke(name: string, ...events: unknown[]) {
  const args = ['--enable-source-maps', '--input-type=module', '-e', caller, '--', bundleOf(name)]
  const { stdout } = await run(process.execPath, [...args, JSON.stringify(events)], {
    cwd: outdir,
    timeout: 30_000,
    env: {
      AWS_REGION: 'local',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL_DYNAMODB: inject('dynamoEndpoint'),
      TABLE_NAME: table,
      VISIBILITY_SECONDS: '60',
    },
  })
  const [log, answers] = stdout.split('\nANSWERS ') as [string, string]
  const parsed = JSON.parse(answers) as { statusCode: number; body: string }[]
  return {
    log: log.split('\n').filter(Boolean),
    raw: parsed as unknown[],
    http: parsed.map(({ statusCode, body }) => [statusCode, body && JSON.parse(body)]),
  }
}

describe('the bundles of the functions', () => {
  it('place, ship and read an order in plain node', { timeout: 60_000 }, async () => {
    const order = { product: 'boot', quantity: 2, customer: 'ann' }
    const placed = await invoke('Api', postOrder(order, 'k'), postOrder(order, 'k'), postOrder({}))
    expect(placed.http.map(([status]) => status)).toEqual([201, 200, 400])
    const { id } = placed.http[0]![1]
    expect(placed.log.map((line) => JSON.parse(line).status)).toEqual([201, 200, 400])

    const shipped = await invoke('Worker', scheduleEvent(OUTBOX))
    expect(shipped.raw).toEqual([{ handled: 1, empty: true }])
    expect(shipped.log.some((line) => '_aws' in JSON.parse(line))).toBe(true)

    const read = await invoke('Read', getOrder(id), getStock('boot'), getOrder('none'))
    expect(read.http[0]).toEqual([200, { id, ...order, state: 'shipped', tracking: expect.any(String) }])
    expect(read.http[1]).toEqual([200, { product: 'boot', left: 3 }])
    expect(read.http[2]![0]).toBe(404)
  })

  it('are small, and have source maps', () => {
    for (const name of ['Api', 'Read', 'Worker']) {
      const file = bundleOf(name)
      const kilobytes = Math.round(statSync(file).size / 1000)
      console.log(`bundle ${name}: ${kilobytes} KB with the AWS SDK`)
      expect(kilobytes).toBeLessThan(600)
      const map = JSON.parse(readFileSync(`${file}.map`, 'utf8')) as { sources: string[] }
      expect(map.sources.some((source) => source.endsWith('src/engine/engine.ts'))).toBe(true)
    }
  })
})
