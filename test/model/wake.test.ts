import { expect, test } from 'vitest'
import { announcePush, onPush } from '../../src/model/wake.ts'
import { systemRuntime } from '../../src/runtime.ts'

test('a push wakes those who wait for its queue, on this runtime, until they leave', () => {
  const runtime = { ...systemRuntime }
  const heard: string[] = []
  const leave = onPush(runtime, 'jobs', () => heard.push('first'))
  onPush(runtime, 'jobs', () => heard.push('second'))
  onPush(runtime, 'mails', () => heard.push('mails'))
  announcePush(runtime, 'jobs')
  expect(heard).toEqual(['first', 'second'])
  announcePush({ ...systemRuntime }, 'jobs')
  expect(heard).toHaveLength(2)
  leave()
  announcePush(runtime, 'jobs')
  expect(heard).toEqual(['first', 'second', 'second'])
})

test('a push to a shard wakes those who wait for the queue, once', () => {
  const runtime = { ...systemRuntime }
  const heard: string[] = []
  onPush(runtime, 'jobs', () => heard.push('queue'))
  onPush(runtime, 'jobs#shard1', () => heard.push('shard'))
  announcePush(runtime, 'jobs#shard1')
  expect(heard.sort()).toEqual(['queue', 'shard'])
  announcePush(runtime, 'jobs#shard2')
  expect(heard).toHaveLength(3)
})

test('who leaves twice takes nobody else along', () => {
  const runtime = { ...systemRuntime }
  let heard = 0
  const leave = onPush(runtime, 'jobs', () => {})
  leave()
  onPush(runtime, 'jobs', () => heard++)
  leave()
  announcePush(runtime, 'jobs')
  expect(heard).toBe(1)
})
