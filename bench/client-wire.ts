import { type Adapter, adapters, type Maker, type Operation, operations } from './client-adapters.ts'
import { bare } from './client-bare.ts'
import { ours } from './client-ours.ts'
import { bareSdk } from './client-sdk.ts'
import type { Built } from './lib/built.ts'
import { type InstantServer, withInstantServer } from './lib/instant.ts'
import { interleaved, type Measured, ratio, type Spread, spread, throughput } from './lib/measure.ts'
import type { BenchOptions } from './lib/options.ts'
import { lib, makeClient } from './lib/sdk.ts'
import type { Section, Target } from './lib/section.ts'
import { number, progress } from './lib/terminal.ts'

const direct: Maker = { ...ours, name: 'lockrow/direct' }
const makers: readonly Maker[] = [bare, bareSdk, ours, direct, ...adapters]
/** One request after the other, and as many as a busy server has. */
const crowd = 32
const crowded = ['get', 'put', 'update'] as const

interface Ready {
  name: string
  adapter: Omit<Adapter, 'name'>
  close(): void
}

type Part = Pick<Section, 'tables' | 'charts' | 'notes'> & { targets: Target[] }

/** Sockets, signatures and HTTP included: all clients against a server that answers at once, in a process of its own. */
export async function overTheWire(
  local: string,
  table: string,
  titles: Record<Operation, string>,
  built: Built,
  { tiny }: BenchOptions,
): Promise<Part> {
  const notes: string[] = []
  const cpu = await withInstantServer(local, async (server) => {
    const ready = await connected(() => server.endpoint(), table, built, notes)
    await recorded(ready, server)
    const costs = await perOperation(ready, tiny)
    const rates = await inACrowd(ready, 'at once', tiny)
    for (const { close } of ready) close()
    return { costs, rates }
  })
  const near = await connected(async () => local, table, built, [])
  const rates = await inACrowd(near, 'DynamoDB Local', tiny)
  for (const { close } of near) close()
  return {
    tables: [
      ...costTables(cpu.costs, titles),
      rateTable(
        `Requests a second, ${crowd} at a time, from a server that answers at once (median), and against the document client`,
        cpu.rates,
        titles,
      ),
      rateTable(`The same from DynamoDB Local`, rates, titles),
    ],
    targets: [
      ...costTargets(cpu.costs, titles),
      ...rateTargets(cpu.rates, 'a server that answers at once', 3, titles),
      ...rateTargets(rates, 'DynamoDB Local', 1, titles),
    ],
    charts: operations.map((operation) => ({
      kind: 'bars' as const,
      title: `over the wire: ${titles[operation]}`,
      unit: 'CPU, document client = 1',
      mark: 1,
      bars: cpu.costs[operation].map((of) => {
        const { median, low, high } = ratio(of, named(cpu.costs[operation], bare.name))
        return { name: of.name, value: median, low, high }
      }),
    })),
    notes: [
      ...notes,
      'Over the wire: a request at a time on one connection, CPU of the client process alone; the server is another process and gives the replies that each contender got from DynamoDB Local. The base is the document client with the least request for the job.',
    ],
  }
}

async function connected(
  endpointFor: () => Promise<string>,
  table: string,
  { dynamo, direct: directly }: Built,
  notes: string[],
): Promise<Ready[]> {
  const ready: Ready[] = []
  for (const maker of makers) {
    progress(`client, over the wire: ${maker.name}`)
    const endpoint = await endpointFor()
    const client = makeClient(endpoint)
    const other = makeClient(endpoint)
    const own = directly.directClient({ endpoint, region: 'local', credentials: localKeys, maxSockets: 256 })
    const close = () => [client, other, own].forEach((one) => void one.destroy())
    try {
      const adapter = await maker.make({
        client,
        documents: lib.DynamoDBDocumentClient.from(other),
        database: () =>
          maker === direct
            ? new directly.AtomicDynamoDB(own, table)
            : new dynamo.AtomicDynamoDB(client, table),
        table,
      })
      ready.push({ name: maker.name, adapter, close })
    } catch (error) {
      close()
      notes.push(
        `${maker.name} could not run: ${error instanceof Error ? error.message.split('\n')[0] : error}`,
      )
    }
  }
  return ready
}

const localKeys = { accessKeyId: 'local', secretAccessKey: 'local' }

async function recorded(ready: readonly Ready[], server: InstantServer): Promise<void> {
  for (const { adapter } of ready) for (const operation of operations) await adapter[operation]()
  await server.freeze()
}

type Costs = Record<Operation, Measured[]>

async function perOperation(ready: readonly Ready[], tiny: boolean): Promise<Costs> {
  const costs = {} as Costs
  for (const operation of operations) {
    // By number: on a busy machine a warm-up by the clock leaves the code cold.
    for (const { name, adapter } of ready) {
      progress(`over the wire, ${operation}: warming ${name}`)
      for (let i = 0; i < (tiny ? 3 : 1000); i++) await adapter[operation]()
    }
    costs[operation] = await interleaved(
      ready.map(({ name, adapter }) => ({ name, run: adapter[operation] })),
      { rounds: tiny ? 2 : 12, sliceMs: tiny ? 2 : 100, clock: 'cpu', label: `over the wire, ${operation}` },
    )
  }
  return costs
}

type Rates = Record<(typeof crowded)[number], { name: string; rounds: number[] }[]>

async function inACrowd(ready: readonly Ready[], where: string, tiny: boolean): Promise<Rates> {
  const rates = {} as Rates
  for (const operation of crowded) {
    const rows = ready.map(({ name, adapter }) => ({ name, adapter, rounds: [] as number[] }))
    for (const { adapter } of rows) await throughput(crowd, tiny ? 5 : 300, () => adapter[operation]())
    for (let round = 0; round < (tiny ? 1 : 6); round++) {
      progress(`${where}, ${crowd} at a time, ${operation}: round ${round + 1}`)
      for (const { adapter, rounds } of round % 2 === 0 ? rows : [...rows].reverse())
        rounds.push(await throughput(crowd, tiny ? 10 : 200, () => adapter[operation]()))
    }
    rates[operation] = rows
  }
  return rates
}

const named = <Row extends { name: string }>(rows: readonly Row[], name: string): Row =>
  rows.find((row) => row.name === name)!

const quartiles = ({ median, low, high }: Spread): string =>
  `${median.toFixed(3)} [${low.toFixed(2)}, ${high.toFixed(2)}]`

function costTables(costs: Costs, titles: Record<Operation, string>): Section['tables'] {
  const columns = ['operation', ...costs.get.map(({ name }) => name)]
  return [
    {
      title: 'Over the wire: CPU relative to the document client (median of ratios [quartiles])',
      columns,
      rows: operations.map((operation) => [
        titles[operation],
        ...costs[operation].map((of) => quartiles(ratio(of, named(costs[operation], bare.name)))),
      ]),
    },
    {
      title: 'Over the wire: microseconds of CPU per operation on this machine (median)',
      columns,
      rows: operations.map((operation) => [
        titles[operation],
        ...costs[operation].map(({ rounds }) => number(spread(rounds).median)),
      ]),
    },
  ]
}

const costTargets = (costs: Costs, titles: Record<Operation, string>): Target[] =>
  operations.map((operation) => {
    const { median } = ratio(named(costs[operation], direct.name), named(costs[operation], bare.name))
    return {
      what: `lockrow/direct, ${titles[operation]}: CPU against the document client, over the wire`,
      target: 'at most 0.30',
      value: median.toFixed(3),
      met: median <= 0.3,
    }
  })

function rateTable(
  title: string,
  rates: Rates,
  titles: Record<Operation, string>,
): Section['tables'][number] {
  return {
    title,
    columns: ['operation', ...rates.get.map(({ name }) => name)],
    rows: crowded.map((operation) => [
      titles[operation],
      ...rates[operation].map((of) => {
        const { median } = ratio(of, named(rates[operation], bare.name))
        return `${number(Math.round(spread(of.rounds).median))}, ${median.toFixed(2)}`
      }),
    ]),
  }
}

const rateTargets = (
  rates: Rates,
  where: string,
  least: number,
  titles: Record<Operation, string>,
): Target[] =>
  crowded.map((operation) => {
    const { median } = ratio(named(rates[operation], direct.name), named(rates[operation], bare.name))
    return {
      what: `lockrow/direct, ${titles[operation]}, ${crowd} at a time from ${where}: throughput against the document client`,
      target: least === 1 ? 'more than 1' : `at least ${least}`,
      value: median.toFixed(2),
      met: least === 1 ? median > 1 : median >= least,
    }
  })
