// The functions of examples/orders on a table: an HTTP API to place and read orders, and the worker of its outbox.

import { fileURLToPath } from 'node:url'
import { CfnOutput, Duration, RemovalPolicy, Validations } from 'aws-cdk-lib'
import { HttpApi, HttpMethod, HttpStage, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2'
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers'
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Architecture, LoggingFormat, Runtime } from 'aws-cdk-lib/aws-lambda'
import { NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { OUTBOX, PREFIXES } from '../../examples/orders/shop.ts'
import type { AtomicTable } from './atomic-table.ts'

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** Three functions, each allowed what it does and no more, and the API in front of two of them. */
export class Orders extends Construct {
  readonly httpApi: HttpApi

  constructor(scope: Construct, id: string, db: AtomicTable) {
    super(scope, id)
    const api = this.#function('Api', 'api', db, Duration.seconds(10))
    const read = this.#function('Read', 'read', db, Duration.seconds(10))
    const worker = this.#function('Worker', 'worker', db, Duration.seconds(60))
    worker.addEnvironment('VISIBILITY_SECONDS', '60')

    const { order, product } = PREFIXES
    // What each handler calls. One grant for what one transaction touches: the order, the stock, and the outbox.
    db.grant(api, { methods: ['get', 'transact'], pks: [OUTBOX], pkPrefixes: [order, product] })
    db.grant(read, { methods: ['get'], pkPrefixes: [order, product] })
    // It ships in one transaction that also acknowledges the message; the rest of the queue comes with the worker.
    db.grant(worker, { methods: ['get', 'transact'], pks: [OUTBOX], pkPrefixes: [order] })
    db.addQueueWorker(worker, { pk: OUTBOX, maxBatchingWindow: Duration.seconds(1), alarms: true })

    this.httpApi = this.#api(api, read)
    new CfnOutput(this, 'Url', {
      value: this.httpApi.apiEndpoint,
      description: 'POST /orders, signed by IAM',
    })
  }

  /** One handler of examples/orders/lambda, bundled with the library and the SDK by the local esbuild. */
  #function(id: string, name: string, db: AtomicTable, timeout: Duration): NodejsFunction {
    const logGroup = this.#logs(`${id}Logs`)
    // A role of its own: AWS's managed policy would let the function write to every log group of the account.
    const role = new Role(this, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    logGroup.grantWrite(role)
    const fn = new NodejsFunction(this, id, {
      entry: file(`examples/orders/lambda/${name}.ts`),
      projectRoot: file('.'),
      depsLockFilePath: file('package-lock.json'),
      runtime: Runtime.NODEJS_22_X,
      architecture: Architecture.ARM_64,
      memorySize: 512,
      timeout,
      role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      environment: { TABLE_NAME: db.tableName, NODE_OPTIONS: '--enable-source-maps' },
      awsSdkConnectionReuse: false,
      bundling: {
        format: OutputFormat.ESM,
        target: 'node22',
        mainFields: ['module', 'main'],
        minify: true,
        keepNames: true,
        sourceMap: true,
        sourcesContent: false,
        // The SDK that the tests ran with, and not whichever the runtime has.
        externalModules: [],
        // Dependencies in CommonJS call require, which a module does not have.
        banner: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);",
      },
    })
    Validations.of(fn).acknowledge({
      id: 'AwsSolutions-L1',
      reason: 'Node 22 is supported until 2027, and what the tests of the example are bundled for.',
    })
    return fn
  }

  #api(api: NodejsFunction, read: NodejsFunction): HttpApi {
    const http = new HttpApi(this, 'Http', {
      createDefaultStage: false,
      // Callers sign their requests; whoever may call has `execute-api:Invoke` on the routes.
      defaultAuthorizer: new HttpIamAuthorizer(),
    })
    const placing = new HttpLambdaIntegration('Place', api)
    const reading = new HttpLambdaIntegration('Reading', read)
    http.addRoutes({ path: '/orders', methods: [HttpMethod.POST], integration: placing })
    http.addRoutes({ path: '/orders/{id}', methods: [HttpMethod.GET], integration: reading })
    http.addRoutes({ path: '/stock/{product}', methods: [HttpMethod.GET], integration: reading })
    new HttpStage(this, 'Stage', {
      httpApi: http,
      autoDeploy: true,
      throttle: { rateLimit: 1000, burstLimit: 500 },
      accessLogSettings: { destination: new LogGroupLogDestination(this.#logs('AccessLogs')) },
    })
    return http
  }

  #logs(id: string): LogGroup {
    return new LogGroup(this, id, {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    })
  }
}
