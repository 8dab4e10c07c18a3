// The stack that the app deploys: the table with its alarms and dashboard, and what runs on it.

import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { Topic } from 'aws-cdk-lib/aws-sns'
import type { Construct } from 'constructs'
import { AtomicTable } from './atomic-table.ts'
import { Orders } from './orders.ts'

/** Properties of {@link LockrowStack}. */
export interface LockrowStackProps extends StackProps {
  /** ARN of an SNS topic that alarms notify. @default they are seen in CloudWatch only */
  readonly alarmTopicArn?: string
}

/** One table and its functions. */
export class LockrowStack extends Stack {
  readonly db: AtomicTable

  constructor(scope: Construct, id: string, { alarmTopicArn, ...props }: LockrowStackProps = {}) {
    super(scope, id, props)
    const topic = alarmTopicArn && Topic.fromTopicArn(this, 'AlarmTopic', alarmTopicArn)
    this.db = new AtomicTable(this, 'Db', {
      alarms: true,
      dashboard: true,
      ...(topic && { alarmActions: [new SnsAction(topic)] }),
    })
    new CfnOutput(this, 'TableName', {
      value: this.db.tableName,
      description: 'What AtomicDynamoDB is given',
    })
    this.addOrders()
  }

  /** The functions of examples/orders: an API to place and read orders, and the worker of its outbox. */
  private addOrders(): void {
    new Orders(this, 'Orders', this.db)
  }
}
