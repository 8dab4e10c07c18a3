import { Mutex } from 'lockrow'
import { describe, expect, it } from 'vitest'
import { onTable, records } from '../helpers.ts'

const on = onTable()
const { lockrow } = on

describe('mutex', () => {
  it('show tells who holds it, force-release frees it', async () => {
    const key = { pk: on.pk(), sk: 'nightly' }
    const args = [key.pk, key.sk]
    expect(await lockrow(['mutex', 'show', ...args])).toMatchObject({ code: 1, out: '' })
    const mutex = new Mutex(on.db(), key, { ttlMs: 60_000 })
    await mutex.acquire()
    const { owner } = await mutex.peek()
    const other = new Mutex(on.db(), key, { ttlMs: 60_000 })

    const human = await lockrow(['mutex', 'show', ...args])
    expect(human.out).toMatch(/^state +held$/m)
    expect(human.out).toMatch(/^lease +another (1 min|59 s|58 s)$/m)
    const [shown] = records(await lockrow(['mutex', 'show', ...args, '--json']))
    expect(shown).toMatchObject({ ...key, locked: true, owner, fencingToken: 1 })

    // Nobody to ask: refused, and still held.
    const refused = await lockrow(['mutex', 'force-release', ...args])
    expect(refused).toMatchObject({ code: 2, out: '' })
    expect(refused.err).toMatch(/^lockrow: force-release .* say --yes .*\n$/)
    const no = await lockrow(['mutex', 'force-release', ...args], { tty: true, input: 'n\n' })
    expect(no).toMatchObject({ code: 1, out: '' })
    expect(no.err).toContain(`is held by ${owner}`)
    expect(await mutex.isLocked()).toBe(true)

    const asked = await lockrow(['mutex', 'force-release', ...args], { tty: true, input: 'y\n' })
    expect(asked).toMatchObject({
      code: 0,
      out: `released ${key.pk}/nightly, which ${owner} held\n`,
    })
    expect(await mutex.isLocked()).toBe(false)
    await other.acquire()
    const next = (await other.peek()).owner

    const yes = await lockrow(['mutex', 'force-release', ...args, '--yes', '--json'])
    expect(records(yes)).toEqual([{ ...key, released: true, owner: next, fencingToken: 2 }])
    expect(await mutex.isLocked()).toBe(false)
    expect((await lockrow(['mutex', 'show', ...args])).out).toMatch(/^state +free$/m)
    expect(await lockrow(['mutex', 'force-release', ...args, '--yes'])).toMatchObject({ code: 1 })
  })

  it('that changed hands while the question stood is left alone', async () => {
    const key = { pk: on.pk(), sk: 'm' }
    const mutex = new Mutex(on.db(), key, { ttlMs: 60_000 })
    await mutex.acquire()
    const other = new Mutex(on.db(), key, { ttlMs: 60_000 })
    const answer = async function* () {
      await mutex.release()
      await other.acquire()
      yield 'y\n'
    }
    const ran = await lockrow(['mutex', 'force-release', key.pk, key.sk], { tty: true, input: answer })
    expect(ran.code).toBe(1)
    expect(ran.err).toContain('changed hands meanwhile')
    expect(await other.isLocked()).toBe(true)
  })
})
