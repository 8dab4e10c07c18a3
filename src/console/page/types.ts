/** What the calls of the server return. */

export interface Message {
  pk: string
  sk: string
  json?: string
  isProcessing: boolean
  processingTimeout?: number
  dueAt?: number
  receiveCount: number
  enqueuedAt: number
  firstReceivedAt?: number
  receipt?: string
  payloadKey?: string
  family?: string
  queue?: string
  group?: string
  traceparent?: string
  reason?: string
  uniqueId?: string
  ttl?: number
  deadLetter?: { from: string; reason: string; at: number; receives: number; hops?: number }
}

export interface Stats {
  ready: number
  inFlight: number
  delayed: number
  scheduled: number
  dead: number
  oldestAgeSeconds: number
  atLeast: boolean
  oldestIsExact: boolean
  paused: boolean
  at: number
}

export interface MessagePage {
  messages: Message[]
  isEnd: boolean
  at: number
}

export interface Opened extends MessagePage {
  stats: Stats
}

export interface Done {
  done: number
  left: { sk: string; why: string }[]
}

export interface Holder {
  id: string
  label?: string
  role: 'owner' | 'permit' | 'writer' | 'reader' | 'waits'
  until?: number
  since?: number
  leaseMs?: number
  process?: { pk: string; sk: string }
}

export interface Lease {
  pk: string
  sk: string
  kind: 'mutex' | 'semaphore' | 'read-write lock'
  token?: number
  holders: Holder[]
  line: Holder[]
}

export interface Process {
  pk: string
  sk: string
  until: number
  draining: boolean
}

export interface Item {
  pk: string
  sk: string
  ttl?: number
  json?: string
}

export interface Schedule {
  name: string
  cron?: string
  timezone?: string
  everyMs?: number
  message: { pk: string; json?: string }
  missed: string
  nextAt?: number
  lastAt?: number
  fired: number
  pausedAt?: number
  next: number[]
}

export interface RecordedCall {
  id: number
  method: string
  at: number
  ms: number
  outcome: 'committed' | 'refused' | 'failed'
  error?: string
  message?: string
  writes: { kind: string; key: string }[]
  conflicts?: string[]
  retries: string[]
}

export interface Total {
  name: string
  calls: number
  read: number
  write: number
}
