import ts from 'typescript'
import type { RandomMutant } from './operators.ts'

/** The body of a function in which a constant of the module is used. */
export interface Use {
  start: number
  end: number
  kind: 'block' | 'expression'
}

/** The constant of the module whose value the mutant changes. Undefined: it is in a function, a class, or elsewhere. */
function constantAt(source: ts.SourceFile, { start }: RandomMutant): ts.Identifier | undefined {
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement) || start < statement.getStart() || start >= statement.end) continue
    if (statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return undefined
    const declared = statement.declarationList.declarations.find(
      ({ initializer }) => initializer && start >= initializer.getStart() && start < initializer.end,
    )
    if (declared && ts.isIdentifier(declared.name) && !isInFunction(source, start)) return declared.name
  }
  return undefined
}

const bodyOf = (node: ts.Node): ts.Node | undefined =>
  ts.isFunctionLike(node) && 'body' in node ? (node.body as ts.Node | undefined) : undefined

/** The outermost function around a place. */
function functionAt(source: ts.SourceFile, start: number): ts.Node | undefined {
  const visit = (node: ts.Node): ts.Node | undefined => {
    if (start < node.getStart() || start >= node.end) return undefined
    return bodyOf(node) ? node : ts.forEachChild(node, visit)
  }
  return visit(source)
}

const isInFunction = (source: ts.SourceFile, start: number): boolean =>
  functionAt(source, start) !== undefined

/** Every place where the name is read: the types do not count. */
function readsOf(source: ts.SourceFile, name: ts.Identifier): number[] {
  const found: number[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return
    if (ts.isIdentifier(node) && node.text === name.text && node !== name) found.push(node.getStart())
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/**
 * A constant of a module is evaluated when the module is loaded, which every test does; only those that call a function
 * that reads it can notice that it is another one. Undefined: the mutant is not in a constant, or the constant is read
 * elsewhere, so that every test that loads the module may notice.
 */
export function usesOf(text: string, mutant: RandomMutant): Use[] | undefined {
  const source = ts.createSourceFile(mutant.file, text, ts.ScriptTarget.Latest, true)
  const name = constantAt(source, mutant)
  if (!name) return undefined
  const uses = new Map<ts.Node, Use>()
  for (const at of readsOf(source, name)) {
    const body = functionAt(source, at) && bodyOf(functionAt(source, at)!)
    if (!body) return undefined
    const kind = ts.isBlock(body) ? 'block' : 'expression'
    uses.set(body, { start: body.getStart(), end: body.end, kind })
  }
  return [...uses.values()]
}
