import { type Adapter, adapters, type Operation, operations } from './client-adapters.ts'
import { bare, bareAlike } from './client-bare.ts'
import { ours } from './client-ours.ts'
import { overTheWire } from './client-wire.ts'
import { type Built, withBuilt } from './lib/built.ts'
import { withLocal } from './lib/local.ts'
import { interleaved, type Measured, ratio, spread } from './lib/measure.ts'
import type { BenchOptions } from './lib/options.ts'
import { versionOf } from './lib/peers.ts'
import { Replay } from './lib/replay.ts'
import { lib, makeClient, sdkVersion } from './lib/sdk.ts'
import type { Section } from './lib/section.ts'
import { number, progress } from './lib/terminal.ts'

/** Client CPU per operation: every reply comes from the process itself, at once; then over the wire, with lockrow/direct. */
export const run = (options: BenchOptions): Promise<Section> => {
  progress('client: building the package')
  return withBuilt((built) => measured(options, built))
}

async function measured({ tiny }: BenchOptions, built: Built): Promise<Section> {
  const { AtomicDynamoDB } = built.dynamo
  const notes: string[] = []
  return withLocal(async (endpoint, table) => {
    const ready: Adapter[] = []
    const sent = new Map<string, Map<string, string>>()
    for (const { name, make } of [bare, bareAlike, ours, ...adapters]) {
      progress(`client: recording the replies to ${name}`)
      const replay = new Replay(endpoint)
      const client = makeClient(endpoint, { requestHandler: replay as never })
      try {
        const adapter = await make({
          client,
          documents: lib.DynamoDBDocumentClient.from(
            makeClient(endpoint, { requestHandler: replay as never }),
          ),
          database: () => new AtomicDynamoDB(client, table),
          table,
        })
        for (const operation of operations) await adapter[operation]()
        replay.recording = false
        ready.push({ ...adapter, name })
        sent.set(name, replay.sent)
      } catch (error) {
        notes.push(`${name} could not run: ${error instanceof Error ? error.message.split('\n')[0] : error}`)
      }
    }
    const rounds = tiny ? 2 : 24
    const sliceMs = tiny ? 2 : 40
    const costs: Record<Operation, Measured[]> = {} as Record<Operation, Measured[]>
    for (const operation of operations) {
      const contenders = ready.map((adapter) => ({ name: adapter.name, run: adapter[operation] }))
      costs[operation] = await interleaved(contenders, {
        rounds,
        sliceMs,
        clock: 'cpu',
        label: `client, ${operation}`,
      })
    }
    const inside = section(costs, ready, notes, { rounds, sliceMs })
    const wire = await overTheWire(endpoint, table, titles, built, { tiny })
    return {
      ...inside,
      targets: [...inside.targets!, ...wire.targets],
      tables: [...inside.tables, ...wire.tables],
      charts: [...inside.charts, ...wire.charts],
      notes: [...inside.notes, ...wire.notes],
    }
  })
}

const titles: Record<Operation, string> = {
  get: 'get',
  put: 'put',
  batchGet: 'batch get of 10',
  query: 'query of 100',
  update: 'update',
  transact: 'transaction of 10',
}

function section(
  measured: Record<Operation, Measured[]>,
  ready: readonly Adapter[],
  notes: string[],
  settings: Record<string, number>,
): Section {
  const names = ready.map(({ name }) => name)
  const base = (operation: Operation) =>
    measured[operation].find(({ name }) => name === (needsAlike.has(operation) ? bareAlike.name : bare.name))!
  const mine = (operation: Operation) => measured[operation].find(({ name }) => name === ours.name)!
  const cell = (of: Measured, to: Measured) => {
    const { median, low, high } = ratio(of, to)
    return `${median.toFixed(3)} [${low.toFixed(2)}, ${high.toFixed(2)}]`
  }
  const targets = operations.map((operation) => {
    const { median } = ratio(mine(operation), base(operation))
    return {
      what: `${titles[operation]}: CPU against the document client`,
      target: 'at most 1.03',
      value: median.toFixed(3),
      met: median <= 1.03,
    }
  })
  const behind = operations.flatMap((operation) =>
    measured[operation]
      .filter(({ name }) => adapters.some((adapter) => adapter.name === name))
      .filter((other) => ratio(mine(operation), other).median >= 1)
      .map(({ name }) => `${titles[operation]} of ${name}`),
  )
  targets.push({
    what: 'less CPU than each of the three libraries, on each operation',
    target: 'all',
    value: behind.length === 0 ? 'all' : `not: ${behind.join(', ')}`,
    met: behind.length === 0,
  })
  return {
    id: 'client',
    title: 'Client overhead: CPU per operation, with replies from inside the process and over the wire',
    settings: {
      ...settings,
      '@aws-sdk': sdkVersion,
      electrodb: versionOf('electrodb'),
      'dynamodb-toolbox': versionOf('dynamodb-toolbox'),
      'dynamodb-onetable': versionOf('dynamodb-onetable'),
    },
    targets,
    tables: [
      {
        title: 'CPU relative to the document client doing the same (median of ratios [quartiles])',
        columns: ['operation', ...names],
        rows: operations.map((operation) => [
          titles[operation],
          ...measured[operation].map((of) => cell(of, base(operation))),
        ]),
      },
      {
        title: 'Microseconds of CPU per operation on this machine (median)',
        columns: ['operation', ...names],
        rows: operations.map((operation) => [
          titles[operation],
          ...measured[operation].map(({ rounds }) => number(spread(rounds).median)),
        ]),
      },
    ],
    charts: operations.map((operation) => ({
      kind: 'bars' as const,
      title: titles[operation],
      unit: 'CPU, document client = 1',
      mark: 1,
      bars: measured[operation].map((of) => {
        const { median, low, high } = ratio(of, base(operation))
        return { name: of.name, value: median, low, high }
      }),
    })),
    notes: [
      ...notes,
      `'${bare.name}' writes the least that does the job; '${bareAlike.name}' writes by hand the very request that lockrow sends (guards against expired rows and locks, a write id against lost replies), which differs for ${[...needsAlike].map((operation) => titles[operation]).join(' and ')}: there it is the base, since the work is the same.`,
      'ElectroDB, dynamodb-toolbox and OneTable as their documentation writes it, on the same client settings; replies are those that DynamoDB Local gave to each before the measurement.',
    ],
  }
}

/** Where lockrow's request is another one than the least. */
const needsAlike = new Set<Operation>(['update', 'transact'])
