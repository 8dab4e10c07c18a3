import { type AtomicDbInterface, AtomicLRUCache, AtomicMemoryDb, RaceCondition } from 'lockrow'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { dropTable, freshTable, localClient } from '../setup/local.ts'

/**
 * The examples of the text that the project started from, word for word but for the import line, each in a function
 * of its own because they name the same constants. They compile under strict and run on every backend.
 */
const programs: Record<string, (db: AtomicDbInterface) => Promise<void>> = {
  async 'set, get and delete an item'(db) {
    // Set an item
    await db.set({
      pk: 'user#123',
      sk: 'profile',
      data: { name: 'John', age: 30 },
    })
    // Get an item
    const item = await db.get({
      pk: 'user#123',
      sk: 'profile',
    })
    // Delete an item
    await db.delete({
      pk: 'user#123',
      sk: 'profile',
    })
    expect(item).toEqual({ pk: 'user#123', sk: 'profile', data: { name: 'John', age: 30 } })
    expect(await db.get({ pk: 'user#123', sk: 'profile' })).toBeUndefined()
  },

  async 'update atomically with a lock'(db) {
    // Define keys for the data item and its lock
    const itemKey = {
      pk: 'user#123',
      sk: 'counter',
    }
    const lockKey = {
      pk: 'user#123',
      sk: 'counter#lock',
    }
    // Get or create a lock (automatically expires after 24 hours)
    const lock = await db.getLock(lockKey)
    // Update item atomically
    try {
      await db.setAtomic(
        {
          pk: itemKey.pk,
          sk: itemKey.sk,
          data: { value: 42 },
        },
        lock,
      )
    } catch (e) {
      if (e instanceof RaceCondition) {
        // Handle concurrent modification
      }
      throw e
    }
    expect(await db.get(itemKey)).toMatchObject({ data: { value: 42 } })
    await expect(db.setAtomic({ ...itemKey, data: { value: 43 } }, lock)).rejects.toBeInstanceOf(
      RaceCondition,
    )
    expect(lock.ttl - Date.now() / 1000).toBeGreaterThan(23.9 * 3600)
    // Clean up (optional)
    await db.delete([lockKey, itemKey])
    expect(await db.get(itemKey)).toBeUndefined()
  },

  async 'clean up both the data and lock'(db) {
    // Good
    const itemKey = { pk: 'user#123', sk: 'data' }
    const lockKey = {
      pk: 'user#123',
      sk: 'data#lock',
    }
    const first = await db.getLock(lockKey)
    // Clean up both the data and lock
    await db.delete([itemKey, lockKey])
    expect((await db.getLock(lockKey)).version).not.toBe(first.version)
    await db.delete([itemKey, lockKey])
  },

  async 'batches, queries and streams'(db) {
    // Set multiple items
    await db.set([
      {
        pk: 'user#123',
        sk: 'profile',
        data: { name: 'John' },
      },
      {
        pk: 'user#123',
        sk: 'settings',
        data: { theme: 'dark' },
      },
    ])
    // Get multiple items
    const items = await db.getMany([
      { pk: 'user#123', sk: 'profile' },
      { pk: 'user#123', sk: 'settings' },
    ])
    expect(items.map((item) => item?.data)).toEqual([{ name: 'John' }, { theme: 'dark' }])
    {
      // Query by partition key
      const results = await db.query({
        pk: 'user#123',
      })
      expect(results.map((item) => item.sk)).toEqual(['profile', 'settings'])
    }
    {
      // Query with sort key prefix
      const results = await db.query({
        pk: 'user#123',
        sk: 'profile#',
      })
      expect(results).toEqual([])
    }
    // Stream results
    const stream = db.stream({
      pk: 'user#123',
    })
    const seen: unknown[] = []
    for await (const item of stream) seen.push(item)
    expect(seen).toEqual(items)
  },

  async 'push, pull and acknowledge'(db) {
    // Push items to a queue
    await db.queuePush([
      {
        pk: 'jobs',
        data: {
          task: 'process-image',
          imageId: '123',
        },
      },
      {
        pk: 'jobs',
        data: {
          task: 'send-email',
          to: '[email protected]',
        },
      },
      {
        pk: 'jobs',
        data: {
          task: 'generate-report',
          reportId: '456',
        },
      },
    ])
    // Pull an item from the queue (with 5-minute visibility timeout)
    const result = await db.queuePull({
      pk: 'jobs',
      ttlSeconds: 300, // 5 minutes
    })
    expect(result.item).toMatchObject({ isProcessing: true, data: { task: 'process-image' } })
    expect(result.item?.processingTimeout).toBeGreaterThan(Date.now() + 290_000)
    if (result.item) {
      const itemKey = {
        pk: result.item.pk,
        sk: result.item.sk,
      }
      try {
        // Process the item
        const task = result.item.data
        console.log('Processing:', task)
        // ... do work ...
        // Acknowledge completion (deletes item)
        await db.queueAcknowledge(itemKey)
      } catch (error) {
        // If processing fails, you can manually release it immediately
        // or let the timeout expire naturally
        console.error('Processing failed:', error)
        // Option 1: Manually release immediately
        await db.queueRelease(itemKey)
        // Option 2: Let timeout expire (no action needed)
        // The item will become available again after processingTimeout expires
      }
    } else {
      console.log('Queue is empty or all items are being processed')
    }
    // Multiple consumers can pull and process different items simultaneously
    const consumer1 = async () => {
      const result = await db.queuePull({
        pk: 'jobs',
      })
      if (result.item) {
        const itemKey = {
          pk: result.item.pk,
          sk: result.item.sk,
        }
        // Process item...
        await db.queueAcknowledge(itemKey)
      }
    }
    const consumer2 = async () => {
      const result = await db.queuePull({
        pk: 'jobs',
      })
      if (result.item) {
        const itemKey = {
          pk: result.item.pk,
          sk: result.item.sk,
        }
        // Process different item...
        await db.queueAcknowledge(itemKey)
      }
    }
    // Both consumers can work concurrently
    await Promise.all([consumer1(), consumer2()])
    expect((await db.queuePull({ pk: 'jobs' })).item).toBeUndefined()
  },

  async 'order by time of push'(db) {
    // Auto-generated sort keys ensure FIFO order
    await db.queuePush({
      pk: 'queue1',
      data: 'first',
    })
    await db.queuePush({
      pk: 'queue1',
      data: 'second',
    })
    await db.queuePush({
      pk: 'queue1',
      data: 'third',
    })
    // Items will be pulled in order: first, second, third
    const order = []
    for (let i = 0; i < 3; i++) order.push((await db.queuePull({ pk: 'queue1' })).item?.data)
    expect(order).toEqual(['first', 'second', 'third'])
  },

  async 'order by sort keys of the caller'(db) {
    await db.queuePush([
      { pk: 'tasks', sk: 'task-001', data: 'A' },
      { pk: 'tasks', sk: 'task-002', data: 'B' },
      { pk: 'tasks', sk: 'task-003', data: 'C' },
    ])
    const order = []
    for (let i = 0; i < 3; i++) order.push((await db.queuePull({ pk: 'tasks' })).item?.data)
    expect(order).toEqual(['A', 'B', 'C'])
  },

  async 'manual release'(db) {
    await db.queuePush({ pk: 'jobs', data: 'will fail' })
    const processItem = async (_item: unknown) => {
      throw new Error('cannot')
    }
    const result = await db.queuePull({ pk: 'jobs' })
    if (result.item) {
      try {
        // Attempt to process...
        await processItem(result.item)
        await db.queueAcknowledge({
          pk: result.item.pk,
          sk: result.item.sk,
        })
        // biome-ignore lint/correctness/noUnusedVariables: word for word
      } catch (error) {
        // Release immediately instead of waiting for timeout
        await db.queueRelease({
          pk: result.item.pk,
          sk: result.item.sk,
        })
      }
    }
    // Pull with 30-second timeout
    const again = await db.queuePull({
      pk: 'jobs',
      ttlSeconds: 30,
    })
    expect(again.item).toMatchObject({ data: 'will fail', receiveCount: 2 })
  },

  async 'empty queue'(db) {
    await db.queuePush({ pk: 'busy' })
    await db.queuePull({ pk: 'busy' })
    const result = await db.queuePull({ pk: 'busy' })
    if (!result.item) {
      console.log('No items available (queue empty or all items being processed)')
    }
    expect(result.item).toBeUndefined()
  },
}

function run(name: string, open: () => AtomicDbInterface) {
  describe(name, () => {
    for (const [title, program] of Object.entries(programs)) {
      it(title, async () => {
        vi.spyOn(console, 'log').mockImplementation(() => {})
        try {
          await program(open())
        } finally {
          vi.restoreAllMocks()
        }
      })
    }
  })
}

run('memory', () => {
  const db = new AtomicMemoryDb()
  return db
})

run('LRU cache', () => {
  const memDb = new AtomicMemoryDb()
  const db = new AtomicLRUCache(memDb, 1000) // Cache size of 1000 items
  return db
})

describe('DynamoDB Local', () => {
  const client = localClient(inject('dynamoEndpoint'))
  let table: string
  beforeAll(async () => {
    table = await freshTable(client)
  })
  afterAll(async () => {
    await dropTable(client, table)
    client.destroy()
  })
  // The programs share names of rows, as the text has them; each cleans the rows that a later one would trip over.
  run('table', () => new AtomicDynamoDB(client, table))
})
