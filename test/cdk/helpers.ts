// Synthesizes stacks without an AWS account and reads what came out.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App, type AppProps, Stack, type StackProps, Validations } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { AwsSolutionsChecks } from 'cdk-nag'
import { afterAll } from 'vitest'
import { AtomicTable, type AtomicTableProps } from '../../infra/cdk/index.ts'

export interface Fixture {
  app: App
  stack: Stack
  db: AtomicTable
}

/** Properties, or what makes them of a stack. */
export type Props = AtomicTableProps | ((stack: Stack) => AtomicTableProps)

// biome-ignore lint/suspicious/noExplicitAny: templates are JSON of any shape
export type Json = any

const outdir = mkdtempSync(join(tmpdir(), 'lockrow-cdk-'))
afterAll(() => rmSync(outdir, { recursive: true, force: true }))

export const newApp = (props: AppProps = {}): App => new App({ outdir, ...props })

/** A stack with one table; `build` adds to it. Without `env` the stack is for any account and region. */
export function fixture(props: Props = {}, env?: StackProps['env']): Fixture {
  const app = newApp()
  const stack = new Stack(app, 'Test', env ? { env } : {})
  return { app, stack, db: new AtomicTable(stack, 'Db', typeof props === 'function' ? props(stack) : props) }
}

/** The template of a stack with one table. */
export function synth(
  props: Props = {},
  build?: (fixture: Fixture) => void,
  env?: StackProps['env'],
): Template {
  const made = fixture(props, env)
  build?.(made)
  return Template.fromStack(made.stack)
}

/** The one resource of a type, as [logical id, resource]. */
export function only(template: Template, type: string): [string, Json] {
  const found = Object.entries(template.findResources(type))
  if (found.length !== 1) throw new Error(`Expected one ${type}, found ${found.length}`)
  return found[0]!
}

/** Properties of the global table, and of its replica in the stack's region. */
export function tableOf(template: Template): { id: string; resource: Json; table: Json; replica: Json } {
  const [id, resource] = only(template, 'AWS::DynamoDB::GlobalTable')
  return { id, resource, table: resource.Properties, replica: resource.Properties.Replicas[0] }
}

/** A function that does nothing; of the latest runtime, which cdk-nag asks for. */
export function makeFunction(stack: Stack, id = 'Fn', props: { reservedConcurrentExecutions?: number } = {}) {
  return new LambdaFunction(stack, id, {
    runtime: Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: Code.fromInline('exports.handler = async () => {}'),
    ...props,
  })
}

/** Every statement of every policy in a template. */
export function statements(template: Template): Json[] {
  return Object.values(template.findResources('AWS::IAM::Policy')).flatMap(
    (policy: Json) => policy.Properties.PolicyDocument.Statement,
  )
}

export const actionsIn = (statement: Json): string[] => [statement.Action].flat().sort()

export interface Finding {
  rule: string
  severity: string
  construct: string
}

/**
 * Synthesizes to disk with cdk-nag's AwsSolutions pack and returns every finding of the validation report that
 * `app.synth()` writes: cdk-nag's, those of CloudFormation's own schema and rules, and annotations.
 */
export function findings(build: (app: App) => void, { nag = true } = {}): Finding[] {
  const outdir = mkdtempSync(join(tmpdir(), 'lockrow-cdk-'))
  try {
    // Errors of CloudFormation's schema stay errors, and annotations are reported like all else.
    const app = new App({
      outdir,
      context: {
        '@aws-cdk/core:validateAgainstDefaultRules': true,
        '@aws-cdk/core:annotationsInValidationReport': true,
        // No rule looks into the code of a function; app.test.ts bundles it.
        'aws:cdk:bundling-stacks': [],
      },
    })
    build(app)
    if (nag) Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
    silently(() => {
      try {
        app.synth()
      } catch (error) {
        // An error among the findings makes it throw; the report is there all the same.
        if ((error as Error).name !== 'ValidationFailed') throw error
      }
    })
    const report: Json = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8'))
    return report.pluginReports.flatMap((plugin: Json) =>
      plugin.violations.flatMap((violation: Json) =>
        violation.violatingConstructs.map((construct: Json) => ({
          rule: violation.ruleName,
          severity: violation.severity,
          construct: construct.constructPath,
        })),
      ),
    )
  } finally {
    rmSync(outdir, { recursive: true, force: true })
  }
}

function silently(run: () => void): void {
  const { error } = console
  const { exitCode } = process
  console.error = () => {}
  try {
    run()
  } finally {
    console.error = error
    // synth() reports findings through the exit code as well.
    process.exitCode = exitCode
  }
}

/** The conditions used here, by IAM's rules: all operators hold; ForAllValues is true of an absent or empty key. */
export function evaluate(condition: Json, keys: string[] | undefined): boolean {
  return Object.entries<Json>(condition).every(([operator, { 'dynamodb:LeadingKeys': value }]) => {
    if (operator === 'Null') return (value === 'true') === !keys?.length
    if (operator !== 'ForAllValues:StringLike') throw new Error(`Unknown operator ${operator}`)
    const patterns = [value].flat().map((pattern: string) => new RegExp(`^${toRegExp(pattern)}$`, 'su'))
    return (keys ?? []).every((key) => patterns.some((pattern) => pattern.test(key)))
  })
}

const toRegExp = (pattern: string) =>
  pattern
    .replace(/[\\^$+.()|[\]{}/]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
