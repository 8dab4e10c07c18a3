import { request } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/**
 * A process of its own, so that its work is not the client's: each port passes requests on to DynamoDB Local and keeps
 * the last reply to each operation, until it is told to give the kept ones, at once and without looking at the rest.
 */

const upstream = new URL(process.argv[2]!)
let isRecording = true

/** The reply as it goes over the wire, by operation. */
type Kept = Map<string, Buffer>

const endOfHead = Buffer.from('\r\n\r\n')
const passedOn = ['content-type', 'x-amz-crc32', 'x-amzn-requestid']

interface Incoming {
  operation: string
  head: string
  body: Buffer
  rest: Buffer
}

/** The first request in what has arrived, if it is whole. */
function firstOf(data: Buffer): Incoming | undefined {
  const end = data.indexOf(endOfHead)
  if (end < 0) return undefined
  const head = data.toString('latin1', 0, end)
  const length = Number(/\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
  const from = end + endOfHead.length
  if (data.length < from + length) return undefined
  const operation = /\nx-amz-target: *[^.\r]*\.(\w+)/i.exec(head)?.[1] ?? ''
  return { operation, head, body: data.subarray(from, from + length), rest: data.subarray(from + length) }
}

function serve(socket: Socket, kept: Kept): void {
  let data: Buffer = Buffer.alloc(0)
  let busy = Promise.resolve()
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    data = data.length === 0 ? chunk : Buffer.concat([data, chunk])
    for (let next = firstOf(data); next; next = firstOf(data)) {
      data = next.rest
      const reply = isRecording ? undefined : kept.get(next.operation)
      if (reply) socket.write(reply)
      else busy = busy.then(() => pass(next!, kept)).then((raw) => void socket.write(raw))
    }
  })
}

/** Asks DynamoDB Local, and keeps what it says. */
function pass({ operation, head, body }: Incoming, kept: Kept): Promise<Buffer> {
  const headers = Object.fromEntries(
    head
      .split('\r\n')
      .slice(1)
      .map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 1).trim(),
      ])
      .filter(([name]) => name !== 'host' && name !== 'connection'),
  ) as Record<string, string>
  return new Promise((resolve, reject) => {
    const sent = request(upstream, { method: 'POST', headers }, async (response) => {
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk as Buffer)
      const content = Buffer.concat(chunks)
      const lines = passedOn
        .filter((name) => response.headers[name] !== undefined)
        .map((name) => `${name}: ${response.headers[name]}\r\n`)
      const top = `HTTP/1.1 ${response.statusCode} OK\r\n${lines.join('')}content-length: ${content.length}\r\n\r\n`
      const raw = Buffer.concat([Buffer.from(top, 'latin1'), content])
      if (response.statusCode === 200) kept.set(operation, raw)
      resolve(raw)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

process.on('message', (message: 'listen' | 'freeze') => {
  if (message === 'freeze') {
    isRecording = false
    process.send!('frozen')
    return
  }
  const kept: Kept = new Map()
  const server = createServer((socket) => serve(socket, kept))
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
})
process.on('disconnect', () => process.exit(0))
process.send!('ready')
