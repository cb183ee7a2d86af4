/** Policies of AWS that roles of the templates have, as the AWS managed policy reference shows them. */
export const MANAGED_POLICIES: Readonly<Record<string, { readonly Statement: readonly Record<string, unknown>[] }>> = {
  // https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonAPIGatewayPushToCloudWatchLogs.html
  'arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs': {
    Statement: [
      {
        Sid: 'AmazonAPIGatewayPushToCloudWatchLogs',
        Effect: 'Allow',
        Action: [
          'logs:CreateLogGroup',
          'logs:CreateLogStream',
          'logs:DescribeLogGroups',
          'logs:DescribeLogStreams',
          'logs:PutLogEvents',
          'logs:GetLogEvents',
          'logs:FilterLogEvents',
        ],
        Resource: '*',
      },
    ],
  },
};
