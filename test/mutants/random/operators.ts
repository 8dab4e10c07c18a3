import ts from 'typescript'

/** One change of a source file: the text from `start` to `end` becomes `to`. */
export interface RandomMutant {
  /** File, line, column, operator, and which one of several: the name by which `--only` runs it again. */
  id: string
  /** From the root of the project. */
  file: string
  line: number
  start: number
  end: number
  from: string
  to: string
  /** What the mutated text is: decides how it is switched on. */
  kind: 'expression' | 'statement'
}

type Found = Pick<RandomMutant, 'to' | 'kind'> & { node: ts.Node; operator: string }

const { SyntaxKind } = ts

const swaps: Partial<Record<ts.SyntaxKind, readonly string[]>> = {
  [SyntaxKind.LessThanToken]: ['<=', '>='],
  [SyntaxKind.LessThanEqualsToken]: ['<', '>'],
  [SyntaxKind.GreaterThanToken]: ['>=', '<='],
  [SyntaxKind.GreaterThanEqualsToken]: ['>', '<'],
  [SyntaxKind.EqualsEqualsEqualsToken]: ['!=='],
  [SyntaxKind.ExclamationEqualsEqualsToken]: ['==='],
  [SyntaxKind.AmpersandAmpersandToken]: ['||'],
  [SyntaxKind.BarBarToken]: ['&&'],
  [SyntaxKind.PlusToken]: ['-'],
  [SyntaxKind.MinusToken]: ['+'],
  [SyntaxKind.AsteriskToken]: ['/'],
  [SyntaxKind.SlashToken]: ['*'],
  [SyntaxKind.PercentToken]: ['*'],
  [SyntaxKind.PlusEqualsToken]: ['-='],
  [SyntaxKind.MinusEqualsToken]: ['+='],
}

function ofBinary(node: ts.BinaryExpression): Found[] {
  const left = node.left.getText()
  const right = node.right.getText()
  if (node.operatorToken.kind === SyntaxKind.QuestionQuestionToken)
    return [{ node, to: right, kind: 'expression', operator: 'fallback' }]
  return (swaps[node.operatorToken.kind] ?? []).map((operator) => ({
    node,
    to: `${left} ${operator} ${right}`,
    kind: 'expression',
    operator: `${node.operatorToken.getText()}to${operator}`,
  }))
}

function ofNumber(node: ts.NumericLiteral): Found[] {
  const value = Number(node.text)
  const others = value === 0 ? [1] : value === 1 ? [0, 2] : [value + 1, value - 1]
  return others.map((other) => ({
    node,
    to: String(other),
    kind: 'expression',
    operator: `${value}to${other}`,
  }))
}

/** `Math.min` and `Math.max` change places. */
function ofCall(node: ts.CallExpression): Found[] {
  const called = node.expression.getText()
  const other = { 'Math.min': 'Math.max', 'Math.max': 'Math.min' }[called]
  if (!other) return []
  const to = other + node.getText().slice(called.length)
  return [{ node, to, kind: 'expression', operator: 'minmax' }]
}

function ofCondition(node: ts.Expression): Found[] {
  return [{ node, to: `!(${node.getText()})`, kind: 'expression', operator: 'negated' }]
}

const isAssignment = (kind: ts.SyntaxKind): boolean =>
  kind >= SyntaxKind.FirstAssignment && kind <= SyntaxKind.LastAssignment

const isEffect = (node: ts.Expression): boolean => {
  const bare = ts.isAwaitExpression(node) ? node.expression : node
  if (ts.isBinaryExpression(bare)) return isAssignment(bare.operatorToken.kind)
  if (ts.isPrefixUnaryExpression(bare) || ts.isPostfixUnaryExpression(bare)) return true
  return ts.isCallExpression(bare) && bare.expression.kind !== SyntaxKind.SuperKeyword
}

function ofStatement(node: ts.Statement): Found[] {
  const removable =
    (ts.isExpressionStatement(node) && isEffect(node.expression)) ||
    ts.isThrowStatement(node) ||
    ts.isContinueStatement(node) ||
    (ts.isBreakStatement(node) && !ts.isCaseOrDefaultClause(node.parent)) ||
    (ts.isReturnStatement(node) && !node.expression)
  return removable ? [{ node, to: ';', kind: 'statement', operator: 'removed' }] : []
}

function ofExpression(node: ts.Node): Found[] {
  if (ts.isBinaryExpression(node)) return ofBinary(node)
  if (ts.isNumericLiteral(node) && !ts.isPropertyName(node.parent) && !isName(node)) return ofNumber(node)
  if (node.kind === SyntaxKind.TrueKeyword)
    return [{ node, to: 'false', kind: 'expression', operator: 'true' }]
  if (node.kind === SyntaxKind.FalseKeyword)
    return [{ node, to: 'true', kind: 'expression', operator: 'false' }]
  if (ts.isCallExpression(node)) return ofCall(node)
  return []
}

/** Whether the literal names a property: `{ 1: value }`. */
const isName = (node: ts.Node): boolean => (node.parent as { name?: ts.Node }).name === node

function ofNode(node: ts.Node): Found[] {
  if (ts.isIfStatement(node) || ts.isWhileStatement(node)) return ofCondition(node.expression)
  if (ts.isConditionalExpression(node)) return ofCondition(node.condition)
  if (ts.isStatement(node)) return ofStatement(node)
  return ofExpression(node)
}

/** What a program cannot tell apart: declarations of types, and texts of errors. */
const isWithoutEffect = (node: ts.Node): boolean =>
  ts.isTypeNode(node) ||
  ts.isInterfaceDeclaration(node) ||
  ts.isTypeAliasDeclaration(node) ||
  ts.isImportDeclaration(node) ||
  ts.isExportDeclaration(node) ||
  (ts.isNewExpression(node) && ts.isThrowStatement(node.parent))

/** A statement that starts with the mutant is exchanged as a whole: a parenthesis at its start would call what is above. */
function atStatement(found: Found): Found {
  let at: ts.Node = found.node
  while (ts.isExpression(at) && at.parent.getStart() === found.node.getStart()) at = at.parent
  if (!ts.isExpressionStatement(at)) return found
  return {
    ...found,
    node: at,
    kind: 'statement',
    to: found.to + at.getText().slice(found.node.getText().length),
  }
}

/** Every mutant of a source file, in the order of the text. */
export function mutantsOf(file: string, text: string): RandomMutant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const found: RandomMutant[] = []
  const times = new Map<string, number>()
  /** Of `a + b + c` two sums begin at the same place. */
  const numbered = (name: string): string => {
    const time = (times.get(name) ?? 0) + 1
    times.set(name, time)
    return time === 1 ? name : `${name}~${time}`
  }
  const visit = (node: ts.Node): void => {
    if (isWithoutEffect(node)) return
    for (const { node: at, to, kind, operator } of ofNode(node).map(atStatement)) {
      const start = at.getStart()
      const { line, character } = source.getLineAndCharacterOfPosition(start)
      const id = numbered(`${file}:${line + 1}:${character + 1}:${operator}`)
      found.push({ id, file, line: line + 1, start, end: at.end, from: at.getText(), to, kind })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}
