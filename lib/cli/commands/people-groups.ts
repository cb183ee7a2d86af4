import { type Command, TARGET_OPTIONS } from '../command.ts';
import { usage } from '../invocation.ts';
import { groupTable, membersText } from '../render-people.ts';
import { targetOf } from '../target.ts';

export const peopleGroups: Command = {
  name: 'people groups',
  summary: 'list the groups of your tenant and who is in them',
  positionals: [],
  options: [...TARGET_OPTIONS],
  json: '`[{ group, members }]`',
  examples: [{ command: 'wflo people groups --local', shows: 'who may approve what' }],
  async run(invocation, { connect, env, output, signal }) {
    const client = await connect(targetOf(invocation, env));
    const groups = await client.groups({ signal });
    output.result(groups, () => groupTable(groups, output.style));
  },
};

export const peopleGroup: Command = {
  name: 'people group',
  summary: 'say who is in a group, which is made where there is none',
  description: 'Exactly these people are its members then. Gates name the groups that have to approve.',
  positionals: [
    { name: 'group', summary: 'the name of the group' },
    { name: 'member', many: true, summary: 'the ids of all its members' },
  ],
  options: [{ name: 'empty', summary: 'leave nobody in it' }, ...TARGET_OPTIONS],
  json: '`{ group, members }`',
  examples: [
    { command: 'wflo people group data-owners ada bob --local', shows: 'two members' },
    { command: 'wflo people group data-owners --empty', shows: 'nobody can approve for it' },
  ],
  async run(invocation, { connect, env, output, signal }) {
    const name = invocation.positional('group');
    const members = invocation.values('member');
    // A shell variable that is empty by mistake must not empty a group.
    if (members.length === 0 && !invocation.flag('empty')) {
      throw usage(`who is in "${name}"?`, 'name all its members, or give --empty');
    }
    if (members.length > 0 && invocation.flag('empty')) {
      throw usage('members and --empty exclude each other', 'use one of them');
    }
    const client = await connect(targetOf(invocation, env));
    const group = await client.setGroup(name, members, { signal });
    output.result(group, () => [`${group.group}: ${membersText(group.members)}`]);
  },
};
