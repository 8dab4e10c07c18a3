/** A part of AWS with names of its own. */
export interface Partition {
  /** What its regions begin with. */
  readonly prefix: string
  readonly name: string
  /** What follows the region in its names. */
  readonly suffix: string
  readonly dualstackSuffix: string
}

const aws: Partition = { prefix: '', name: 'aws', suffix: 'amazonaws.com', dualstackSuffix: 'api.aws' }

/** prefix, name, suffix, suffix with IPv6. */
const others: readonly Partition[] = (
  [
    ['cn-', 'aws-cn', 'amazonaws.com.cn', 'api.amazonwebservices.com.cn'],
    ['us-gov-', 'aws-us-gov', 'amazonaws.com', 'api.aws'],
    ['us-iso-', 'aws-iso', 'c2s.ic.gov', 'api.aws.ic.gov'],
    ['us-isob-', 'aws-iso-b', 'sc2s.sgov.gov', 'api.aws.scloud'],
    ['eu-isoe-', 'aws-iso-e', 'cloud.adc-e.uk', 'api.cloud-aws.adc-e.uk'],
    ['us-isof-', 'aws-iso-f', 'csp.hci.ic.gov', 'api.aws.hci.ic.gov'],
    ['eusc-', 'aws-eusc', 'amazonaws.eu', 'api.amazonwebservices.eu'],
  ] as const
).map(([prefix, name, suffix, dualstackSuffix]) => ({ prefix, name, suffix, dualstackSuffix }))

/** The partition of a region. A region that nobody knows is one of the largest partition. */
export const partitionOf = (region: string): Partition =>
  others.find(({ prefix, name }) => region.startsWith(prefix) || region === `${name}-global`) ?? aws

/** Whether a host is one of AWS's own. */
export const isAwsHost = (host: string): boolean =>
  [aws, ...others].some(
    ({ suffix, dualstackSuffix }) => host.endsWith(`.${suffix}`) || host.endsWith(`.${dualstackSuffix}`),
  )
