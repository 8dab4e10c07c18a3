import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AtomicMemoryDb } from 'lockrow'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { readInput } from '../../examples/demo/input.ts'
import { audit, fillStock, placeOrder } from '../../examples/demo/shop.ts'

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

const small = [
  '{"product":"boot","stock":3}',
  ...Array.from({ length: 6 }, (_, i) =>
    JSON.stringify({ order: `o${i}`, product: 'boot', quantity: 1, customer: 'ann' }),
  ),
]

describe('demo', () => {
  it('runs the shipped orders on the twin, and everything adds up', () => {
    const { code, out } = demo()
    expect(out).toContain('400/400 orders')
    expect(out).toContain('Stock, orders and jobs add up.')
    expect(code).toBe(0)
  })

  it('runs a file of the user on DynamoDB Local, and passes over malformed lines with their numbers', () => {
    const file = join(folder, 'orders.jsonl')
    writeFileSync(
      file,
      [...small, 'nonsense', '{"order":"x","product":"boot","quantity":0,"customer":"bob"}', small[1]].join(
        '\n',
      ),
    )
    const { code, out, err } = demo('--dynamo', '--orders', file)
    expect(err).toContain(`${file}:8: is not JSON; passed over`)
    expect(err).toContain(`${file}:9: 'quantity' must be a whole number from 1; passed over`)
    expect(err).toContain(`${file}:10: order o0 is there twice; passed over`)
    expect(out).toContain('6/6 orders: 3 accepted, 3 rejected')
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
    expect(demo('--colour')).toMatchObject({ code: 2, err: expect.stringContaining('--orders FILE') })
  })

  it('notices when something does not add up', async () => {
    const file = join(folder, 'small.jsonl')
    writeFileSync(file, small.join('\n'))
    const { stock, orders } = await readInput(file)
    const db = new AtomicMemoryDb()
    await fillStock(db, stock)
    for (const line of orders) await placeOrder(db, line)
    expect(await audit(db, stock, orders)).toHaveLength(5)
    await db.set({ pk: 'stock', sk: 'boot', data: { left: 1 } })
    expect(await audit(db, stock, orders)).toContain('boot: 3 at first, 3 sold, but 1 left')
  })
})
