// The app: `npm run synth` writes its template to cdk.out, with no AWS account; `cdk deploy` deploys it.

import { App } from 'aws-cdk-lib'
import { LockrowStack } from './stack.ts'

const app = new App({
  // The CDK's command line says where to write; on its own, the app writes where that would.
  outdir: process.env.CDK_OUTDIR ?? 'cdk.out',
  // A template that breaks CloudFormation's schema fails here and not halfway through a deployment.
  context: { '@aws-cdk/core:validateAgainstDefaultRules': true },
})
const alarmTopicArn: unknown = app.node.tryGetContext('alarmTopicArn')

// No env: the template is for any account and region.
new LockrowStack(app, 'Lockrow', {
  description: 'lockrow: an atomic database in one DynamoDB table',
  ...(typeof alarmTopicArn === 'string' && { alarmTopicArn }),
})
const { directory } = app.synth()
// Not on stdout, which is for the template in `cdk synth > file`.
console.error(`wrote the template to ${directory}/Lockrow.template.json`)
