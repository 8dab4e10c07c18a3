import { Refusal } from '../failures.ts'

export interface Message {
  data: unknown
  /** Where it was written, for errors: `messages.jsonl:3`. */
  place: string
}

const problemOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

export function messageOf(text: string): Message {
  try {
    return { data: JSON.parse(text), place: 'the message' }
  } catch (error) {
    throw new Refusal(
      `the message is not JSON (${problemOf(error)}): a text needs quotes, '"hello"'; nothing was sent`,
    )
  }
}

/** One JSON value per line; empty lines are skipped. */
export function messagesOf(bytes: Buffer, name: string): Message[] {
  const messages: Message[] = []
  const decoder = new TextDecoder('utf-8', { fatal: true })
  for (let start = 0, line = 1; start < bytes.length; line++) {
    const end = bytes.indexOf(10, start)
    const place = `${name}:${line}`
    try {
      const text = decoder.decode(bytes.subarray(start, end < 0 ? undefined : end))
      if (text.trim() !== '') messages.push({ data: JSON.parse(text), place })
    } catch (error) {
      throw new Refusal(`${place} is not JSON (${problemOf(error)}); nothing was sent`)
    }
    if (end < 0) break
    start = end + 1
  }
  return messages
}
