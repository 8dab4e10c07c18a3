import { lockKey } from 'lockrow'
import { expect, it } from 'vitest'
import { readRawRow } from '../../src/console/raw-row.ts'
import { onBothBackends } from '../setup/backends.ts'

onBothBackends('a row as it is stored', ({ open, pk }) => {
  it('is read whatever it holds, by its key alone', async () => {
    const db = open()
    const key = { pk: pk(), sk: 'b' }
    await db.set(['a', 'b', 'b#', 'c'].map((sk) => ({ ...key, sk, data: { sk } })))
    const lock = await db.getLock(lockKey(key))
    await db.queuePause(key.pk)
    expect(await readRawRow(db, key, {})).toMatchObject({ ...key, data: { sk: 'b' } })
    expect(await readRawRow(db, lockKey(key), {})).toMatchObject({ version: lock.version })
    expect(await readRawRow(db, { ...key, sk: '~control' }, {})).toMatchObject({ paused: expect.anything() })
    expect(await readRawRow(db, { ...key, sk: 'bb' }, {})).toBeUndefined()
    expect(await readRawRow(db, { pk: pk(), sk: 'b' }, {})).toBeUndefined()
  })
})
