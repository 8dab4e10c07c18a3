import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AtomicMemoryDb } from 'lockrow'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { audit, lossCount } from '../../examples/demo/audit.ts'
import { readInput } from '../../examples/demo/input.ts'
import { fillStock, placeOrder } from '../../examples/demo/shop.ts'
import { runTraffic, shopByHand, shopOnLockrow } from '../../examples/demo/traffic.ts'
import { calmWorld, twinWorld } from '../../examples/demo/world.ts'

const folder = mkdtempSync(join(tmpdir(), 'lockrow-demo-'))
afterAll(() => rmSync(folder, { recursive: true }))

function demo(...args: string[]) {
  const done = spawnSync(process.execPath, ['--import', 'tsx', 'examples/demo/main.ts', ...args], {
    encoding: 'utf8',
    env: { ...process.env, DYNAMODB_ENDPOINT: inject('dynamoEndpoint') },
    timeout: 60_000,
  })
  return { code: done.status, out: done.stdout, err: done.stderr }
}

const orders = await readInput('examples/demo/orders.jsonl')

const small = [
  '{"product":"boot","stock":3}',
  ...Array.from({ length: 6 }, (_, i) =>
    JSON.stringify({ order: `o${i}`, product: 'boot', quantity: 1, customer: 'ann' }),
  ),
]

describe('demo', () => {
  it('shows what is lost by hand, and that nothing is lost on lockrow', () => {
    const { code, out } = demo()
    expect(out).toContain('by hand    400/400 orders')
    expect(out).toContain('lockrow    400/400 orders')
    for (const kind of ['pairs sold', 'products whose stock', 'accepted orders', 'parcels sent'])
      expect(out).toMatch(new RegExp(`${kind}.*[1-9]\\d* +0$`, 'm'))
    expect(out).toMatch(/orders without an answer +0 +0$/m)
    expect(out).toContain('On lockrow everything adds up')
    expect(code).toBe(0)
  })

  it('loses the same from the same seed, and something else from another one', async () => {
    const losses = async (seed: string) => {
      const world = twinWorld(seed)
      return world.run(async () => {
        await fillStock(world.truth, orders.stock)
        await runTraffic(world, shopByHand(world), orders.orders, { handlers: 8, workers: 3 })
        return audit(world.truth, orders.stock, orders.orders)
      })
    }
    const first = await losses('7')
    expect(lossCount(first)).toBeGreaterThan(0)
    expect(await losses('7')).toEqual(first)
    expect(await losses('8')).not.toEqual(first)
  })

  it('kills processes, throttles and loses replies, and still adds up on lockrow', async () => {
    const world = twinWorld('11')
    const { kills, losses } = await world.run(async () => {
      await fillStock(world.truth, orders.stock)
      const traffic = await runTraffic(world, shopOnLockrow(world), orders.orders, {
        handlers: 8,
        workers: 3,
      })
      return { kills: traffic.kills, losses: await audit(world.truth, orders.stock, orders.orders) }
    })
    expect(kills).toBeGreaterThan(5)
    expect(lossCount(losses)).toBe(0)
  })

  it('runs a file of the user on DynamoDB Local, and passes over malformed lines with their numbers', () => {
    const file = join(folder, 'orders.jsonl')
    const bad = ['nonsense', '{"order":"x","product":"boot","quantity":0,"customer":"bob"}', small[1]]
    writeFileSync(file, [...small, ...bad].join('\n'))
    const { code, out, err } = demo('--dynamo', '--orders', file)
    expect(err).toContain(`${file}:8: is not JSON; passed over`)
    expect(err).toContain(`${file}:9: 'quantity' must be a whole number from 1; passed over`)
    expect(err).toContain(`${file}:10: order o0 is there twice; passed over`)
    expect(out).toContain('lockrow    6/6 orders')
    expect(code).toBe(0)
  })

  it('says what is wrong with its arguments', () => {
    expect(demo('--orders', join(folder, 'none'))).toMatchObject({
      code: 2,
      err: expect.stringContaining('there is no file'),
    })
    expect(demo('--handlers', '0')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--handlers must be a whole number'),
    })
  })

  it('is an error where no line of the input is a valid order', () => {
    const file = join(folder, 'nothing.jsonl')
    writeFileSync(file, '{"product":"boot","stock":3}\nnonsense\n')
    const { code, out, err } = demo('--orders', file)
    expect(err).toContain('has no valid order')
    expect(out).not.toContain('adds up')
    expect(code).toBe(2)
  })

  it('notices when something does not add up', async () => {
    const file = join(folder, 'small.jsonl')
    writeFileSync(file, small.join('\n'))
    const { stock, orders: lines } = await readInput(file)
    const db = new AtomicMemoryDb()
    await fillStock(db, stock)
    for (const line of lines) await placeOrder(db, line)
    expect(await audit(db, stock, lines)).toMatchObject({ neverShipped: 3, wrongStock: 0 })
    await db.set({ pk: 'stock', sk: 'boot', data: { left: 1 } })
    expect(await audit(db, stock, lines)).toMatchObject({ wrongStock: 1 })
  })

  it('goes well by hand too where nobody else is there and nothing fails', async () => {
    const world = calmWorld()
    await fillStock(world.truth, orders.stock)
    await runTraffic(world, shopByHand(world), orders.orders.slice(0, 40), { handlers: 1, workers: 1 })
    expect(lossCount(await audit(world.truth, orders.stock, orders.orders.slice(0, 40)))).toBe(0)
  })
})
