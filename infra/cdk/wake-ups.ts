// Lets a function make schedules that run it once, when its next message is due.

import * as cdk from 'aws-cdk-lib'
import { Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IFunction, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler'
import { Construct } from 'constructs'

const ID = 'LockrowWakeUps'

/** Group, role and permissions of the schedules of one function, which `oneShotWakeUp` makes. */
export class WakeUps extends Construct {
  /** The schedules that are made are in this group, and go with it. */
  readonly groupName: string
  /** By this the scheduler invokes the function, and can do nothing else. */
  readonly role: Role

  /** Those of a function, which has them once, however many queues it serves. */
  static of(fn: IFunction): WakeUps {
    const made = fn.node.tryFindChild(ID)
    return made instanceof WakeUps ? made : new WakeUps(fn)
  }

  private constructor(fn: IFunction) {
    const own = ownFunction(fn)
    super(fn, ID)
    this.groupName = cdk.Names.uniqueResourceName(this, { maxLength: 64, separator: '-' })
    const group = new CfnScheduleGroup(this, 'Group', { name: this.groupName })
    this.role = this.#roleFor(own)
    this.#letPlan(own).node.addDependency(group)
    own.addEnvironment('LOCKROW_WAKE_UP_GROUP', this.groupName)
    own.addEnvironment('LOCKROW_WAKE_UP_ROLE', this.role.roleArn)
  }

  #roleFor(fn: LambdaFunction): Role {
    const { account } = cdk.Stack.of(this)
    // Only for schedules of this group: the service acts for other accounts too.
    const conditions = {
      StringEquals: { 'aws:SourceAccount': account, 'aws:SourceArn': this.#arn('schedule-group') },
    }
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', { conditions }),
      description: 'Runs a worker of lockrow queues when its next message is due',
    })
    const invoke = new Policy(this, 'Invoke', {
      statements: [new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [fn.functionArn] })],
    })
    invoke.attachToRole(role)
    return role
  }

  /** May make schedules in its group, none elsewhere, and pass on the role of these alone. */
  #letPlan(fn: LambdaFunction): Policy {
    const policy = new Policy(this, 'Plan', {
      statements: [
        new PolicyStatement({
          actions: ['scheduler:CreateSchedule'],
          resources: [`${this.#arn('schedule')}/*`],
        }),
        new PolicyStatement({
          actions: ['iam:PassRole'],
          resources: [this.role.roleArn],
          conditions: { StringEquals: { 'iam:PassedToService': 'scheduler.amazonaws.com' } },
        }),
      ],
    })
    policy.attachToRole(fn.role!)
    // Not in older versions of aws-cdk-lib, which cdk-nag 3 does not run on either.
    cdk.Validations?.of(policy).acknowledge({
      id: `AwsSolutions-IAM5[Resource::${this.#shownArn()}/*]`,
      reason: 'The names of the schedules of the group say when they run.',
    })
    return policy
  }

  /** The ARN of the schedules as cdk-nag writes it, with what is known at deployment only in angle brackets. */
  #shownArn(): string {
    const { region, account } = cdk.Stack.of(this)
    const shown = (value: string, name: string) => (cdk.Token.isUnresolved(value) ? `<AWS::${name}>` : value)
    const place = `${shown(region, 'Region')}:${shown(account, 'AccountId')}`
    return `arn:<AWS::Partition>:scheduler:${place}:schedule/${this.groupName}`
  }

  #arn(resource: 'schedule' | 'schedule-group'): string {
    return cdk.Stack.of(this).formatArn({ service: 'scheduler', resource, resourceName: this.groupName })
  }
}

/** The function as one that is made here: others have no environment to write to. */
function ownFunction(fn: IFunction): LambdaFunction {
  if (typeof (fn as Partial<LambdaFunction>).addEnvironment === 'function' && fn.role)
    return fn as LambdaFunction
  throw new Error(
    "addQueueWorker: wakeUp 'one-shot' needs a function made in this app, no alias, version or import",
  )
}
