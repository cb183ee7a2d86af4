import { beforeAll, describe, expect, it } from 'vitest';
import { SANDBOX_CIDR } from '../../lib/constructs/sandbox-network/sandbox-network.ts';
import { type SynthesisedStage, statementsOf, synthesiseStage, text } from '../_helpers/synthesised-stage.ts';

let stage: SynthesisedStage;
let open: SynthesisedStage;
beforeAll(async () => {
  stage = await synthesiseStage();
  open = await synthesiseStage({ 'wflo:network': 'open' });
});

/** Every allowed combination of an endpoint's policy, as `action resource`. */
function allowed(service: string): string[] {
  const [endpoint, ...others] = stage
    .ofType('AWS::EC2::VPCEndpoint')
    .filter(({ Properties }) => text(Properties.ServiceName).endsWith(`.${service}`));
  expect(others).toEqual([]);
  const statements = statementsOf(endpoint?.Properties.PolicyDocument);
  expect(statements.filter(({ Effect }) => Effect !== 'Allow')).toEqual([]);
  return statements.flatMap(({ Action, Resource }) =>
    Action.flatMap((action) => Resource.map((resource) => `${action} ${resource}`)),
  );
}

/** Of all endpoints. */
const endpointStatements = () =>
  stage.ofType('AWS::EC2::VPCEndpoint').flatMap(({ Properties }) => statementsOf(Properties.PolicyDocument));

const withoutHashes = (lines: readonly string[]) =>
  lines.map((line) => line.replace(/[0-9A-F]{8,16}(?=[>.A])/g, '')).sort();

describe('the private network', () => {
  it('has no way to the internet', () => {
    for (const type of [
      'InternetGateway',
      'NatGateway',
      'EgressOnlyInternetGateway',
      'EIP',
      'Route',
      'VPCPeeringConnection',
      'TransitGatewayAttachment',
    ]) {
      expect(stage.ofType(`AWS::EC2::${type}`), type).toEqual([]);
    }
    for (const { Properties } of stage.ofType('AWS::EC2::Subnet')) expect(Properties.MapPublicIpOnLaunch).toBe(false);
  });

  it('has these endpoints, each with a policy', () => {
    const endpoints = stage.ofType('AWS::EC2::VPCEndpoint');
    expect(endpoints.map(({ Properties }) => text(Properties.ServiceName)).sort()).toEqual([
      'com.amazonaws.<AWS::Region>.ecr.api',
      'com.amazonaws.<AWS::Region>.ecr.dkr',
      'com.amazonaws.<AWS::Region>.execute-api',
      'com.amazonaws.<AWS::Region>.s3',
    ]);
    for (const { Properties } of endpoints) expect(Properties.PolicyDocument).toBeDefined();
  });

  it('reaches no API but the sandbox API: POST of runners, and the calls of models', () => {
    expect(withoutHashes(allowed('execute-api'))).toEqual([
      'execute-api:Invoke arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<SandboxApi>/<SandboxApiDeploymentStageapi>/GET/models/*',
      'execute-api:Invoke arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<SandboxApi>/<SandboxApiDeploymentStageapi>/POST/models/*',
      'execute-api:Invoke arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<SandboxApi>/<SandboxApiDeploymentStageapi>/POST/v1/*',
    ]);
  });

  it('reaches no objects but artefacts and image layers, and writes none but uploads and workspaces', () => {
    const lines = allowed('s3')
      .map((line) => line.replace(/<FnGetAttArtefacts\w+>/, '<Artefacts>'))
      .sort();
    expect(lines).toEqual([
      's3:GetObject <Artefacts>/blobs/*',
      's3:GetObject <Artefacts>/code/*',
      's3:GetObject <Artefacts>/workspaces/*',
      's3:GetObject arn:<AWS::Partition>:s3:::prod-<AWS::Region>-starport-layer-bucket/*',
      's3:PutObject <Artefacts>/uploads/*',
      's3:PutObject <Artefacts>/workspaces/*',
    ]);
  });

  it.each(['ecr.api', 'ecr.dkr'])('pulls from our repositories, and pushes to none: %s', (service) => {
    expect(allowed(service).sort()).toEqual([
      'ecr:BatchCheckLayerAvailability arn:<AWS::Partition>:ecr:<AWS::Region>:<AWS::AccountId>:repository/wflo/*',
      'ecr:BatchGetImage arn:<AWS::Partition>:ecr:<AWS::Region>:<AWS::AccountId>:repository/wflo/*',
      'ecr:GetAuthorizationToken *',
      'ecr:GetDownloadUrlForLayer arn:<AWS::Partition>:ecr:<AWS::Region>:<AWS::AccountId>:repository/wflo/*',
    ]);
  });

  it('is of no use with credentials of another account', () => {
    const unbound = endpointStatements().filter(
      ({ Condition }) => text(Condition?.StringEquals?.['aws:PrincipalAccount']) !== '<AWS::AccountId>',
    );
    // ECR signs the URLs of layers with its own account; runners sign nothing, they bring the token of a lease.
    expect(unbound.map(({ Sid }) => Sid).sort()).toEqual(['ImageLayers', 'OurSandboxApi']);
  });

  it('has no wildcard in its endpoint policies but for the login to ECR, which has no resource', () => {
    const any = endpointStatements().filter(({ Resource }) => Resource.some((resource) => /^\*|:::\*/.test(resource)));
    expect(any.map(({ Action }) => Action)).toEqual([['ecr:GetAuthorizationToken'], ['ecr:GetAuthorizationToken']]);
    expect(endpointStatements().filter(({ Action }) => Action.some((action) => action.includes('*')))).toEqual([]);
    expect(endpointStatements().filter((statement) => 'NotAction' in statement || 'NotResource' in statement)).toEqual(
      [],
    );
  });

  it.each([
    'states',
    'lambda',
    'sts',
    'secretsmanager',
    'logs',
    'monitoring',
    'dynamodb',
    'kms',
    'ssm',
    'ssmmessages',
    'ecs',
    'events',
    'sqs',
    'bedrock-runtime',
  ])('has no endpoint for %s', (service) => {
    expect(
      stage
        .ofType('AWS::EC2::VPCEndpoint')
        .filter(({ Properties }) => text(Properties.ServiceName).endsWith(`.${service}`)),
    ).toEqual([]);
  });

  it('has endpoints in every zone, with private names, and the gateway in every route table', () => {
    const subnets = stage.ofType('AWS::EC2::Subnet').length;
    for (const { Properties } of stage.ofType('AWS::EC2::VPCEndpoint')) {
      if (Properties.VpcEndpointType === 'Gateway') {
        expect(Properties.RouteTableIds).toHaveLength(subnets);
      } else {
        expect(Properties).toMatchObject({ VpcEndpointType: 'Interface', PrivateDnsEnabled: true });
        expect(Properties.SubnetIds).toHaveLength(subnets);
      }
    }
  });

  it('has no IPv6, which its rules would not see', () => {
    for (const type of ['VPCCidrBlock', 'NetworkAcl', 'NetworkAclEntry', 'VPCGatewayAttachment', 'VPNGateway']) {
      expect(stage.ofType(`AWS::EC2::${type}`), type).toEqual([]);
    }
    for (const { Properties } of stage.ofType('AWS::EC2::Subnet')) {
      expect(Properties.Ipv6CidrBlock).toBeUndefined();
      expect(Properties.AssignIpv6AddressOnCreation).toBeUndefined();
    }
    expect(JSON.stringify(stage.ofType('AWS::EC2::SecurityGroup'))).not.toMatch(/CidrIpv6|::\/0/);
  });

  it('lets nothing out but to port 443, and puts nothing into the default group', () => {
    const egress = stage
      .ofType('AWS::EC2::SecurityGroup')
      .flatMap(({ Properties }) => Properties.SecurityGroupEgress as Record<string, unknown>[])
      // How a group without a way out is written: a rule that matches nothing, instead of the one that AWS adds.
      .filter(({ CidrIp, IpProtocol }) => !(CidrIp === '255.255.255.255/32' && IpProtocol === 'icmp'));
    expect(egress.map(({ IpProtocol, FromPort, ToPort }) => [IpProtocol, FromPort, ToPort])).toEqual([
      ['tcp', 443, 443],
      ['tcp', 443, 443],
    ]);
    expect(egress.filter(({ CidrIp }) => CidrIp === '0.0.0.0/0')).toEqual([]);
    expect(JSON.stringify(stage.resources.map(({ Properties }) => Properties))).not.toContain('DefaultSecurityGroup');
  });

  it('lets sandboxes open HTTPS to its endpoints and to S3, and nothing connect to them', () => {
    const [group] = stage.ofType('AWS::EC2::SecurityGroup').filter(({ id }) => id.includes('SandboxGroup'));
    expect(group?.Properties.SecurityGroupIngress).toBeUndefined();
    expect(
      group?.Properties.SecurityGroupEgress.map((rule: Record<string, unknown>) => [
        rule.IpProtocol,
        rule.FromPort,
        rule.ToPort,
        rule.CidrIp ?? Object.keys(rule.DestinationPrefixListId as object)[0],
      ]),
    ).toEqual([
      ['tcp', 443, 443, SANDBOX_CIDR],
      ['tcp', 443, 443, 'Fn::FindInMap'],
    ]);
    // Rules of their own would be added to what stands here.
    expect([
      ...stage.ofType('AWS::EC2::SecurityGroupIngress'),
      ...stage.ofType('AWS::EC2::SecurityGroupEgress'),
    ]).toEqual([]);
  });

  it('lets only the sandbox network connect to its endpoints', () => {
    const [group] = stage.ofType('AWS::EC2::SecurityGroup').filter(({ id }) => id.startsWith('Endpoints'));
    expect(group?.Properties.SecurityGroupIngress).toEqual([
      { CidrIp: SANDBOX_CIDR, Description: 'HTTPS from sandboxes', FromPort: 443, IpProtocol: 'tcp', ToPort: 443 },
    ]);
  });

  it('answers for the names of its own endpoints and for no other', () => {
    const [ours, everything] = stage
      .ofType('AWS::Route53Resolver::FirewallDomainList')
      .map(({ Properties }) => Properties.Domains.map(text));
    expect(everything).toEqual(['*']);
    expect(ours).toEqual([
      '*.execute-api.<AWS::Region>.<AWS::URLSuffix>',
      'api.ecr.<AWS::Region>.<AWS::URLSuffix>',
      '*.dkr.ecr.<AWS::Region>.<AWS::URLSuffix>',
      's3.<AWS::Region>.<AWS::URLSuffix>',
      '*.s3.<AWS::Region>.<AWS::URLSuffix>',
    ]);
    const [oursId, everythingId] = stage.ofType('AWS::Route53Resolver::FirewallDomainList').map(({ id }) => id);
    const [rules, ...others] = stage.ofType('AWS::Route53Resolver::FirewallRuleGroup');
    expect(others).toEqual([]);
    // By priority: the block is the last, and is for every name.
    expect(rules?.Properties.FirewallRules).toEqual([
      {
        Action: 'ALLOW',
        Priority: 100,
        FirewallDomainListId: { 'Fn::GetAtt': [oursId, 'Id'] },
        FirewallDomainRedirectionAction: 'TRUST_REDIRECTION_DOMAIN',
      },
      {
        Action: 'BLOCK',
        BlockResponse: 'NODATA',
        Priority: 200,
        FirewallDomainListId: { 'Fn::GetAtt': [everythingId, 'Id'] },
      },
    ]);
    const [association, ...more] = stage.ofType('AWS::Route53Resolver::FirewallRuleGroupAssociation');
    expect(more).toEqual([]);
    expect(association?.Properties.FirewallRuleGroupId).toEqual({ 'Fn::GetAtt': [rules?.id, 'Id'] });
    expect(text(association?.Properties.VpcId)).toContain('Vpc');
  });

  it('answers for no name that its firewall cannot judge', () => {
    // Fail closed is what AWS does where nothing configures the firewall of a VPC; nothing here does.
    expect(stage.ofType('AWS::Route53Resolver::FirewallConfig')).toEqual([]);
    expect(JSON.stringify(stage.templates.network.toJSON())).not.toContain('FailOpen');
  });

  it('records its flows', () => {
    expect(stage.ofType('AWS::EC2::FlowLog').map(({ Properties }) => Properties.TrafficType)).toEqual(['ALL']);
  });

  it('has as many subnets as zones', async () => {
    expect(stage.ofType('AWS::EC2::Subnet')).toHaveLength(2);
    expect((await synthesiseStage({ 'wflo:availability-zones': '1' })).ofType('AWS::EC2::Subnet')).toHaveLength(1);
  });
});

describe('the open network', () => {
  it('is public, without endpoints, and still takes no connections', () => {
    expect(open.ofType('AWS::EC2::VPCEndpoint')).toEqual([]);
    expect(open.resources.filter(({ Type }) => Type.startsWith('AWS::Route53Resolver::'))).toEqual([]);
    expect(open.ofType('AWS::EC2::NatGateway')).toEqual([]);
    expect(open.ofType('AWS::EC2::EIP')).toEqual([]);
    // An address is given to a task when it starts, and to nothing else that might stand there.
    for (const { Properties } of open.ofType('AWS::EC2::Subnet')) expect(Properties.MapPublicIpOnLaunch).toBe(false);
    expect(JSON.stringify(open.ofType('AWS::EC2::Subnet'))).not.toContain('Ipv6');
    expect(open.ofType('AWS::EC2::InternetGateway')).toHaveLength(1);
    const [group] = open.ofType('AWS::EC2::SecurityGroup').filter(({ id }) => id.includes('SandboxGroup'));
    expect(group?.Properties.SecurityGroupIngress).toBeUndefined();
    expect(group?.Properties.SecurityGroupEgress).toEqual([
      {
        CidrIp: '0.0.0.0/0',
        Description: 'open mode: HTTPS to anywhere',
        FromPort: 443,
        IpProtocol: 'tcp',
        ToPort: 443,
      },
    ]);
  });

  it('is told to whoever asks', () => {
    const mode = ({ ofType }: SynthesisedStage) =>
      ofType('AWS::SSM::Parameter').find(({ Properties }) => Properties.Name.endsWith('/network-mode'))?.Properties
        .Value;
    expect([mode(stage), mode(open)]).toEqual(['private', 'open']);
    const description = ({ templates }: SynthesisedStage) => templates.network.toJSON().Description;
    expect(description(stage)).not.toContain('NOT FILTERED');
    expect(description(open)).toContain('EGRESS IS NOT FILTERED');
  });
});
