// The app writes its template by itself: no AWS account, no region, no credentials, no Docker.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Json } from './helpers.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const tsx = join(dirname(createRequire(import.meta.url).resolve('tsx/package.json')), 'dist', 'cli.mjs')

function run(context = {}) {
  const outdir = mkdtempSync(join(tmpdir(), 'lockrow-app-'))
  const read = (name: string): Json => JSON.parse(readFileSync(join(outdir, name), 'utf8'))
  try {
    const { status, stdout, stderr } = spawnSync(process.execPath, [tsx, 'infra/cdk/app.ts'], {
      cwd: root,
      // Nothing of this machine's AWS settings gets through.
      env: {
        PATH: process.env.PATH,
        HOME: outdir,
        CDK_OUTDIR: outdir,
        CDK_CONTEXT_JSON: JSON.stringify(context),
      },
      encoding: 'utf8',
    })
    expect({ status, stderr }).toMatchObject({ status: 0 })
    return {
      outdir,
      stdout,
      stderr,
      template: read('Lockrow.template.json'),
      manifest: read('manifest.json'),
      report: read('validation-report.json'),
    }
  } finally {
    rmSync(outdir, { recursive: true, force: true })
  }
}

describe('npm run synth', { timeout: 60_000 }, () => {
  test('says where the template is, and leaves stdout to whoever asked for it', () => {
    const { outdir, stdout, stderr } = run()
    expect(stdout).toBe('')
    expect(stderr).toContain(`wrote the template to ${join(outdir, 'Lockrow.template.json')}\n`)
  })

  test('writes a template for any account and region, without a finding', () => {
    const { template, manifest, report } = run()
    const types = Object.values<Json>(template.Resources).map((resource) => resource.Type)
    const count = (type: string) => types.filter((each) => each === type).length
    expect(count('AWS::DynamoDB::GlobalTable')).toBe(1)
    expect(count('AWS::CloudWatch::Dashboard')).toBe(1)
    expect(count('AWS::Lambda::Function')).toBe(3)
    expect(count('AWS::ApiGatewayV2::Route')).toBe(3)
    // Four of the table, eight of the queue worker.
    expect(count('AWS::CloudWatch::Alarm')).toBe(12)
    // Nothing runs at deployment, and no function of the CDK's own comes along.
    expect(types.filter((type) => type.startsWith('Custom::'))).toEqual([])
    expect(manifest.artifacts.Lockrow.environment).toBe('aws://unknown-account/unknown-region')
    expect(JSON.stringify(template)).not.toMatch(/\b\d{12}\b|arn:aws:/)
    expect(report.pluginReports.flatMap((plugin: Json) => plugin.violations)).toEqual([])
  })

  test('notifies a topic that it is given', () => {
    const alarmTopicArn = 'arn:aws:sns:eu-west-1:111111111111:alarms'
    const context = { alarmTopicArn, 'aws:cdk:bundling-stacks': [] }
    const alarms = Object.values<Json>(run(context).template.Resources).filter(
      (resource) => resource.Type === 'AWS::CloudWatch::Alarm',
    )
    for (const alarm of alarms) expect(alarm.Properties.AlarmActions).toEqual([alarmTopicArn])
  })
})
