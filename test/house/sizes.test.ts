import ts from 'typescript'
import { expect, test } from 'vitest'
import { filesIn, textOf } from './sources.ts'

test('no file of src is longer than 300 lines: split what has two jobs', () => {
  const long = filesIn('src').filter((file) => textOf(file).trimEnd().split('\n').length > 300)
  expect(long).toEqual([])
})

const lengths = (file: string): number[] => {
  const source = ts.createSourceFile(file, textOf(file), ts.ScriptTarget.Latest, true)
  const found: number[] = []
  const lineAt = (position: number) => source.getLineAndCharacterOfPosition(position).line
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body)
      found.push(lineAt(node.end) - lineAt(node.getStart()) + 1)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

test('nine of ten functions of src are shorter than 25 lines: give the parts of a long one names', () => {
  const sorted = filesIn('src')
    .flatMap(lengths)
    .sort((a, b) => a - b)
  expect(sorted.length).toBeGreaterThan(1000)
  expect(sorted[Math.floor(sorted.length * 0.9)]).toBeLessThan(25)
})
