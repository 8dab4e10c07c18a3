import { expect, test } from 'vitest'
import {
  connectFaults,
  proxyFaults,
  socketFaults,
  zeroProxyCounts,
  zeroSocketCounts,
} from '../../../src/testing/proxy/kinds.ts'

test('every fault is counted from zero, each count by itself', () => {
  expect(Object.keys(zeroProxyCounts())).toEqual([...proxyFaults])
  expect(Object.keys(zeroSocketCounts()).toSorted()).toEqual([...connectFaults, ...socketFaults].toSorted())
  const counts = zeroProxyCounts()
  counts.late++
  expect(zeroProxyCounts().late).toBe(0)
})

test('a connection that is made fails while it is being made, one that is there while it reads or writes', () => {
  expect(connectFaults.every((fault) => /^(connect|getaddrinfo) /.test(fault))).toBe(true)
  expect(socketFaults.every((fault) => /^(read|write) /.test(fault))).toBe(true)
})
