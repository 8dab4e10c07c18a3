import { describe, expect, it } from 'vitest'
import { isTableName, misfitsOf } from '../../src/model/table-shape.ts'

const S = (name: string) => ({ name, type: 'S' })
const good = { keys: [S('pk'), S('sk')], ttl: 'ttl' }

describe('the shape of a table', () => {
  it('suits with pk and sk, and with or without TTL', () => {
    expect(misfitsOf(good)).toEqual([])
    expect(misfitsOf({ ...good, ttl: undefined })).toEqual([])
  })

  it.each([
    ['no sort key', { ...good, keys: [S('pk')] }, 'keys', 'its key is (pk S)'],
    ['keys the wrong way round', { ...good, keys: [S('sk'), S('pk')] }, 'keys', 'its key is (sk S, pk S)'],
    [
      'a number as key',
      { ...good, keys: [S('pk'), { name: 'sk', type: 'N' }] },
      'keys',
      'its key is (pk S, sk N)',
    ],
    ['TTL elsewhere', { ...good, ttl: 'expires' }, 'ttl', "TTL is on 'expires'"],
    [
      'an index on what we write otherwise',
      { ...good, indexes: [{ name: 'by-data', keys: [S('data')] }] },
      'indexes',
      "the index 'by-data' has the key data S",
    ],
    [
      'an index on our TTL as a text',
      { ...good, indexes: [{ name: 'i', keys: [S('GSI1PK'), S('ttl')] }] },
      'indexes',
      "the index 'i' has the key ttl S",
    ],
  ])('%s does not suit', (_, shape, about, found) => {
    expect(misfitsOf(shape)).toMatchObject([{ about, found, remedy: expect.stringMatching(/\w/) }])
  })

  it('may have indexes of others', () => {
    const keys = [S('GSI1PK'), S('GSI1SK'), S('version'), { name: 'ttl', type: 'N' }]
    expect(misfitsOf({ ...good, indexes: [{ name: 'GSI1', keys }] })).toEqual([])
  })
})

it('names of tables', () => {
  expect(['abc', 'a.b-c_9', 'x'.repeat(255)].every(isTableName)).toBe(true)
  expect(['ab', 'a b', '', 'x'.repeat(256), 'é__'].some(isTableName)).toBe(false)
})
