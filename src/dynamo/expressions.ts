import { type AttributeValue, encode } from '../model/attribute-values.ts'
import type { Guard, Operand, RowChange, RowPath } from '../storage.ts'

/** The changes that are a SET. */
type Assigning = Extract<RowChange, { op: 'set' | 'add' | 'append' }>

/**
 * Guards and changes as DynamoDB's expressions. Every name and value goes through a placeholder: nothing that a
 * caller gives is ever part of the text.
 */
export class Expressions {
  readonly names: Record<string, string> = {}
  readonly values: Record<string, AttributeValue> = {}
  readonly #placeholders = new Map<string, string>()
  #valueCount = 0

  get hasValues(): boolean {
    return this.#valueCount > 0
  }

  path(path: RowPath): string {
    let text = ''
    for (const step of path)
      text += typeof step === 'number' ? `[${step}]` : (text === '' ? '' : '.') + this.#name(step)
    return text
  }

  #name(name: string): string {
    let placeholder = this.#placeholders.get(name)
    if (placeholder === undefined) {
      placeholder = `#${this.#placeholders.size}`
      this.#placeholders.set(name, placeholder)
      this.names[placeholder] = name
    }
    return placeholder
  }

  value(value: unknown): string {
    const placeholder = `:${this.#valueCount++}`
    this.values[placeholder] = encode(value)
    return placeholder
  }

  #operand(of: Operand): string {
    if ('value' in of) return this.value(of.value)
    return 'path' in of ? this.path(of.path) : `size(${this.path(of.sizeOf)})`
  }

  condition(guard: Guard): string {
    switch (guard.op) {
      case 'and':
      case 'or':
        return `(${guard.of.map((part) => this.condition(part)).join(guard.op === 'and' ? ' AND ' : ' OR ')})`
      case 'not':
        return `(NOT ${this.condition(guard.of)})`
      case 'exists':
        return `attribute_exists(${this.path(guard.path)})`
      case 'absent':
        return `attribute_not_exists(${this.path(guard.path)})`
      case 'between':
        return `${this.#operand(guard.left)} BETWEEN ${this.#operand(guard.low)} AND ${this.#operand(guard.high)}`
      case 'in':
        return `${this.#operand(guard.left)} IN (${guard.values.map((value) => this.value(value)).join(', ')})`
      case 'beginsWith':
        return `begins_with(${this.path(guard.path)}, ${this.value(guard.value)})`
      case 'contains':
        return `contains(${this.path(guard.path)}, ${this.value(guard.value)})`
      case 'type':
        return `attribute_type(${this.path(guard.path)}, ${this.value(guard.type)})`
      default:
        return `${this.#operand(guard.left)} ${comparators[guard.op]} ${this.#operand(guard.right)}`
    }
  }

  update(changes: readonly RowChange[]): string {
    const sets: string[] = []
    const removes: string[] = []
    const adds: string[] = []
    const deletes: string[] = []
    for (const change of changes) {
      const path = this.path(change.path)
      if (change.op === 'remove') removes.push(path)
      else if (change.op === 'addToSet') adds.push(`${path} ${this.value(change.value)}`)
      else if (change.op === 'removeFromSet') deletes.push(`${path} ${this.value(change.value)}`)
      else sets.push(`${path} = ${this.#assigned(change as Assigning, path)}`)
    }
    const clause = (word: string, parts: string[]) =>
      parts.length > 0 ? [`${word} ${parts.join(', ')}`] : []
    return [
      ...clause('SET', sets),
      ...clause('REMOVE', removes),
      ...clause('ADD', adds),
      ...clause('DELETE', deletes),
    ].join(' ')
  }

  #assigned(
    change: Exclude<RowChange, { op: 'remove' | 'addToSet' | 'removeFromSet' }>,
    path: string,
  ): string {
    const value = this.value(change.value)
    switch (change.op) {
      case 'set':
        return value
      case 'setIfAbsent':
        return `if_not_exists(${path}, ${value})`
      case 'add':
        return `if_not_exists(${path}, ${this.value(0)}) + ${value}`
      case 'append':
        return `list_append(if_not_exists(${path}, ${this.value([])}), ${value})`
      case 'prepend':
        return `list_append(${value}, if_not_exists(${path}, ${this.value([])}))`
    }
  }
}

const comparators = { eq: '=', ne: '<>', lt: '<', lte: '<=', gt: '>', gte: '>=' } as const
