import { type Command, TARGET_OPTIONS } from '../command.ts';
import { personLines } from '../render-people.ts';
import { targetOf } from '../target.ts';
import { PERSON, PERSON_JSON } from './people.ts';

const ARN = { name: 'arn', summary: 'the ARN of an IAM user, a role, or a session of a role' };

export const peopleLink: Command = {
  name: 'people link',
  summary: 'say which credentials are those of a person',
  description:
    'Calls that are signed with them are calls of this person. A session can be linked only where its name is not chosen by its caller (`wflo people attest`).',
  positionals: [PERSON, ARN],
  options: [...TARGET_OPTIONS],
  json: PERSON_JSON,
  examples: [{ command: 'wflo people link bob arn:aws:iam::123456789012:user/bob', shows: 'an IAM user' }],
  async run(invocation, { connect, env, output, signal }) {
    const client = await connect(targetOf(invocation, env));
    const person = await client.link(invocation.positional('person'), invocation.positional('arn'), { signal });
    output.result(person, () => personLines(person, output.style));
  },
};

export const peopleUnlink: Command = {
  name: 'people unlink',
  summary: 'say that credentials are no longer those of a person',
  positionals: [PERSON, ARN],
  options: [...TARGET_OPTIONS],
  json: PERSON_JSON,
  examples: [{ command: 'wflo people unlink bob arn:aws:iam::123456789012:user/bob', shows: 'from now on' }],
  async run(invocation, { connect, env, output, signal }) {
    const client = await connect(targetOf(invocation, env));
    const person = await client.unlink(invocation.positional('person'), invocation.positional('arn'), { signal });
    output.result(person, () => personLines(person, output.style));
  },
};

export const peopleAttest: Command = {
  name: 'people attest',
  summary: 'attest that the trust policy of a role enforces session names',
  description:
    'Then each session name of the role is one person, and can be linked. Without that, whoever assumes a role chooses the name, and all its sessions are one. Roles of IAM Identity Center need no attestation.',
  positionals: [{ name: 'role-arn', summary: 'the ARN of an IAM role' }],
  options: [...TARGET_OPTIONS],
  json: '`{ roleArn }`',
  examples: [
    {
      command: 'wflo people attest arn:aws:iam::123456789012:role/deployers',
      shows: 'its trust policy asks for sts:RoleSessionName',
    },
  ],
  async run(invocation, { connect, env, output, signal }) {
    const roleArn = invocation.positional('role-arn');
    const client = await connect(targetOf(invocation, env));
    await client.attestRole(roleArn, { signal });
    output.result({ roleArn }, () => [`each session name of ${roleArn} is one person`]);
  },
};
