import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cli } from './cli-harness.ts';
import {
  anApproval,
  aStep,
  aView,
  type FakeDeployment,
  failure,
  fakeDeployment,
  HASH,
  vote,
} from './fake-deployment.ts';

const ID = 'report:one:send:1';
/** In 3 h 1 min, for as long as the tests take. */
const SOON = new Date(Date.now() + 3 * 3600_000 + 75_000).toISOString();
let on: FakeDeployment;
beforeEach(async () => {
  on = await fakeDeployment();
});
afterEach(() => on.server.close());

const wflo = (...args: readonly string[]) => cli(args, { connect: on.connect });

/** The list leaves out what is only told of one. */
function listed(fields: Parameters<typeof anApproval>[0] = {}) {
  const { rendering: _rendering, claims: _claims, payload: _payload, ...summary } = anApproval(fields);
  return summary;
}

describe('approvals', () => {
  it('are a table of what waits, or the contract', async () => {
    const waiting = listed({ expiresAt: SOON, decisions: [vote('bob')] });
    const unproven = listed({
      approvalId: 'other:x:gate:2',
      workflow: 'other',
      stepPath: 'gate',
      expiresAt: SOON,
      groups: [{ group: 'ops', min: 2 }],
      requester: { id: 'arn:aws:iam::1:user/eve', verified: false },
    });
    on.routes['GET /approvals'] = ({ url }) => ({ approvals: url.includes('workflow') ? [] : [waiting, unproven] });
    const text = await wflo('approvals', '--local');
    expect(text.code).toBe(0);
    expect(text.stdout.split('\n')).toEqual([
      expect.stringMatching(/^APPROVAL +STEP +ASKED FOR +REQUESTED BY +EXPIRES IN$/),
      expect.stringMatching(
        /^report:one:send:1 {2}send {2}2 of data-owners, 1 of ops, approved so far by bob {2}ada +3 h 1 min$/,
      ),
      expect.stringMatching(/^other:x:gate:2 .*2 of ops +arn:aws:iam::1:user\/eve \(nothing proves it\) {2}3 h 1 min$/),
      '',
    ]);
    expect(text.stderr).toBe('see what exactly is asked: wflo approval <approval> --local\n');
    const json = await wflo('approvals', '--workflow', 'report', '--json');
    expect(JSON.parse(json.stdout)).toEqual([waiting]);
    expect(on.server.seen.every(({ url }) => url === '/v1/approvals?limit=100')).toBe(true);
  });

  it('say that nothing waits', async () => {
    on.routes['GET /approvals'] = () => ({ approvals: [] });
    expect(await wflo('approvals')).toEqual({ code: 0, stdout: 'nothing waits for approval\n', stderr: '' });
    expect((await wflo('approvals', '--json')).stdout).toBe('[]\n');
  });

  it('--all shows the status of each, and stops at a hundred', async () => {
    on.routes['GET /approvals'] = ({ url }) => ({
      approvals: Array.from({ length: 60 }, (_, n) =>
        listed({ approvalId: `report:one:send:${n}`, status: n === 0 ? 'pending' : 'rejected', expiresAt: SOON }),
      ),
      ...(url.includes('cursor=b') ? { cursor: 'c' } : { cursor: 'b' }),
    });
    const { stdout, stderr } = await wflo('approvals', '--all');
    expect(stdout).toMatch(/ STATUS\n/);
    expect(stdout).toMatch(/send:0 .* pending, expires in 3 h 1 min\n/);
    expect(stdout).toMatch(/send:1 .* rejected\n/);
    expect(stdout.trim().split('\n')).toHaveLength(101);
    expect(stderr).toContain('older');
    expect(on.server.seen).toHaveLength(2);
  });
});

describe('approval', () => {
  it('shows what exactly is asked, of whom, and who voted', async () => {
    const view = anApproval({ note: 'one more', decisions: [vote('bob', 'approve', 'fine\u001b[2J')] });
    on.routes[`GET /approvals/${ID}`] = () => view;
    on.routes['GET /groups'] = () => ({
      groups: [
        { group: 'data-owners', members: ['bob', 'cleo'] },
        { group: 'ops', members: ['bob'] },
      ],
    });
    const { code, stdout, stderr } = await wflo('approval', ID);
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual([
      'report:one:send:1  pending',
      '  asks          2 of data-owners, 1 of ops',
      '  why more      one more',
      // Bob is in both groups and counts for one of them.
      expect.stringMatching(/^ {2}still needs {3}(1 of data-owners, 1 of ops|2 of data-owners)$/),
      expect.stringMatching(/^ {2}expires {7}2026-01-01 04:00:00Z \(.* ago\)$/),
      '  for           step send (lambda) of report:one',
      expect.stringMatching(/^ {2}requested by {2}ada, 2026-01-01 00:00:00Z \(.* ago\)$/),
      '  risk          not assessed',
      `  payload       ${HASH}`,
      '  votes         bob approved 2026-01-01 00:30:00Z via api: "fine\\u001b[2J"',
      '',
      '  send: invokes arn:aws:lambda:send:7',
      '  with:',
      '    {',
      '      "ids": [1]',
      '    }',
      '  ! with.ids was written by the agent of plan',
      '',
    ]);
    expect(stderr.split('\n')).toEqual([
      'approve it: wflo approve report:one:send:1',
      'or not: wflo reject report:one:send:1 --reason REASON',
      '',
    ]);
    expect(JSON.parse((await wflo('approval', ID, '--json')).stdout)).toEqual(view);
  });

  it('of what is decided says how it came out, and nothing more to do', async () => {
    on.routes[`GET /approvals/${ID}`] = () =>
      anApproval({
        status: 'granted',
        decidedAt: '2026-01-01T00:30:00.000Z',
        executeBy: '2026-01-01T01:30:00.000Z',
        decisions: [vote('bob')],
      });
    const { stdout, stderr } = await wflo('approval', ID);
    expect(stdout).toContain('report:one:send:1  granted\n');
    expect(stdout).toMatch(/use before +2026-01-01 01:30:00Z/);
    expect(stdout).not.toContain('still needs');
    expect(stderr).toBe('');
  });

  it('that does not exist is unknown_approval', async () => {
    on.routes[`GET /approvals/${ID}`] = () => failure('unknown_approval', `no approval ${ID}`);
    const { code, stdout, stderr } = await wflo('approval', ID);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^error unknown_approval: /);
  });
});

describe('approve', () => {
  it('approves exactly what it read, and shows it and what is missing', async () => {
    on.routes[`GET /approvals/${ID}`] = () => anApproval();
    on.routes[`POST /approvals/${ID}/decision`] = () => anApproval({ decisions: [vote('bob')] });
    on.routes['GET /groups'] = () => ({
      groups: [
        { group: 'data-owners', members: ['bob', 'cleo'] },
        { group: 'ops', members: ['dan'] },
      ],
    });
    const { code, stdout } = await wflo('approve', ID, '--comment', 'checked');
    expect(code).toBe(0);
    expect(on.bodyOf(`POST /approvals/${ID}/decision`)).toEqual({
      decision: 'approve',
      payloadHash: HASH,
      comment: 'checked',
    });
    expect(stdout.split('\n')).toEqual([
      '✓ approved report:one:send:1',
      `  payload ${HASH}`,
      '  send: invokes arn:aws:lambda:send:7',
      '  with:',
      '    {',
      '      "ids": [1]',
      '    }',
      '  ! with.ids was written by the agent of plan',
      'still needs 1 of data-owners, 1 of ops; until 2026-01-01 04:00:00Z',
      '',
    ]);
  });

  it('needs to see no members to tell what is missing of a single group', async () => {
    const groups = [{ group: 'ops', min: 3 }];
    on.routes[`GET /approvals/${ID}`] = () => anApproval({ groups });
    on.routes[`POST /approvals/${ID}/decision`] = () => anApproval({ groups, decisions: [vote('bob')] });
    expect((await wflo('approve', ID)).stdout).toContain('still needs 2 of ops; until 2026-01-01 04:00:00Z\n');
    expect(on.server.seen).toHaveLength(2);
  });

  it('says what it knows of what is missing where groups may not be seen', async () => {
    on.routes[`GET /approvals/${ID}`] = () => anApproval();
    on.routes[`POST /approvals/${ID}/decision`] = () => anApproval({ decisions: [vote('bob')] });
    on.routes['GET /groups'] = () => failure('forbidden', 'not yours');
    const { stdout } = await wflo('approve', ID);
    expect(stdout).toContain(
      'still needs more: asked are 2 of data-owners, 1 of ops, approved so far by bob; until 2026-01-01 04:00:00Z\n',
    );
  });

  it('says that it is granted, keeps a long rendering short, and prints the view as JSON', async () => {
    const rendering = Array.from({ length: 20 }, (_, n) => `line ${n}`).join('\n');
    const granted = anApproval({ rendering, status: 'granted', executeBy: '2026-01-01T01:30:00.000Z' });
    on.routes[`GET /approvals/${ID}`] = () => anApproval({ rendering });
    on.routes[`POST /approvals/${ID}/decision`] = () => granted;
    const { stdout } = await wflo('approve', ID);
    expect(stdout).toContain('  line 7\n  … 12 more lines: wflo approval report:one:send:1\n');
    expect(stdout).toContain('granted: the step has to begin before 2026-01-01 01:30:00Z\n');
    expect(JSON.parse((await wflo('approve', ID, '--json')).stdout)).toEqual(granted);
  });

  it('of what was decided otherwise says by whom and when', async () => {
    const details = {
      status: 'rejected',
      decidedBy: 'cleo',
      decidedAt: '2026-01-01T00:10:00.000Z',
      decision: 'reject',
    };
    on.routes[`GET /approvals/${ID}`] = () => anApproval({ status: 'rejected' });
    on.routes[`POST /approvals/${ID}/decision`] = () =>
      failure('already_decided', `${ID} was rejected by cleo at 2026-01-01T00:10:00.000Z`, details);
    const text = await wflo('approve', ID);
    expect(text).toMatchObject({ code: 1, stdout: '' });
    expect(text.stderr).toContain('error already_decided: report:one:send:1 was rejected by cleo at 2026-01-01T00:10');
    const json = await wflo('approve', ID, '--json');
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: 'already_decided', details } });
  });
});

describe('an execution in the place of an approval', () => {
  it('stands for the one that it waits for, which is said', async () => {
    on.routes['GET /approvals'] = () => ({
      approvals: [listed(), listed({ approvalId: 'report:two:send:1', executionId: 'report:two' })],
    });
    on.routes[`GET /approvals/${ID}`] = () => anApproval();
    on.routes[`POST /approvals/${ID}/decision`] = () => anApproval({ status: 'granted' });
    const { code, stdout, stderr } = await wflo('approve', 'report:one');
    expect(code).toBe(0);
    expect(stdout).toContain('approved report:one:send:1');
    expect(stderr).toBe('report:one waits for one approval: report:one:send:1\n');
  });

  it('that waits for several is refused with all of them', async () => {
    on.routes['GET /approvals'] = () => ({
      approvals: [listed(), listed({ approvalId: 'report:one:all.mail:1', stepPath: 'all/mail' })],
    });
    const { code, stdout, stderr } = await wflo('reject', 'report:one', '--reason', 'no');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('error usage: report:one waits for 2 approvals:');
    expect(stderr).toContain('report:one:send:1  send  2 of data-owners, 1 of ops');
    expect(stderr).toContain('report:one:all.mail:1  all/mail');
    expect(stderr).toContain('fix: name one of them');
  });

  it('that waits for none is unknown_approval', async () => {
    on.routes['GET /approvals'] = () => ({ approvals: [] });
    const { code, stderr } = await wflo('approval', 'report:one');
    expect(code).toBe(1);
    expect(stderr).toBe(
      'error unknown_approval: report:one waits for no approval\nfix: see how it stands: wflo status report:one\n',
    );
  });
});

describe('reject', () => {
  it('needs a reason, and says what follows', async () => {
    const missing = await wflo('reject', ID);
    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toContain('--reason is missing: --reason REASON');
    expect(on.server.seen).toEqual([]);
    on.routes[`POST /approvals/${ID}/decision`] = () => anApproval({ status: 'rejected' });
    const { code, stdout } = await wflo('reject', ID, '--reason', 'wrong table');
    expect(code).toBe(0);
    expect(on.bodyOf(`POST /approvals/${ID}/decision`)).toEqual({ decision: 'reject', comment: 'wrong table' });
    expect(stdout).toMatch(/^✗ rejected report:one:send:1: wrong table\n {2}send: invokes /);
    expect(stdout).toContain('report:one ends as rejected\n');
  });
});

describe('an execution that waits', () => {
  it('is shown with who has to approve, until when, and the command', async () => {
    on.routes['GET /executions/report:one'] = () => aView();
    on.routes[`GET /approvals/${ID}`] = () => anApproval({ expiresAt: SOON, decisions: [vote('bob')] });
    const { code, stdout } = await wflo('status', 'report:one', '--local', '--as', 'ada');
    expect(code).toBe(0);
    const until = `${SOON.slice(0, 10)} ${SOON.slice(11, 19)}Z`;
    expect(stdout.split('\n').slice(1)).toEqual([
      '  ✓ plan  succeeded         3.2 s',
      '  ◇ send  waiting_approval',
      `      report:one:send:1: 2 of data-owners, 1 of ops, approved so far by bob; until ${until} (in 3 h 1 min)`,
      // Ada asked: it is somebody else who has to approve.
      '      wflo approve report:one:send:1 --local --as PERSON',
      '',
    ]);
    const json = await wflo('status', 'report:one', '--json');
    expect(JSON.parse(json.stdout)).toEqual(aView());
  });

  it('is shown by the id alone where the approval may not be read', async () => {
    on.routes['GET /executions/report:one'] = () => aView();
    on.routes[`GET /approvals/${ID}`] = () => failure('forbidden', 'not yours');
    const { stdout } = await wflo('status', 'report:one');
    expect(stdout).toContain('      report:one:send:1\n      wflo approve report:one:send:1\n');
  });

  it('run --wait tells the wait, then that it was rejected, and exits 1', async () => {
    let looks = 0;
    const error = { code: 'approval_rejected', message: 'cleo: wrong table', stepPath: 'send' } as const;
    on.routes['POST /executions'] = () => aView({ status: 'starting', steps: [] });
    on.routes['GET /executions/report:one'] = () => {
      looks += 1;
      if (looks < 2) return aView();
      const rejected = aStep('send', { status: 'rejected', approvalId: ID });
      return aView({ status: 'rejected', endedAt: '2026-01-01T00:31:00.000Z', steps: [rejected], error });
    };
    on.routes[`GET /approvals/${ID}`] = () => anApproval({ expiresAt: SOON });
    const { code, stdout, stderr } = await wflo('run', 'report', '--wait');
    expect(code).toBe(1);
    expect(stdout).toContain('◇ send  waiting_approval\n    report:one:send:1: 2 of data-owners, 1 of ops; until ');
    expect(stdout).toContain('    wflo approve report:one:send:1\n');
    expect(stdout).toContain('waiting_approval  report:one\n');
    expect(stdout).toContain('report:one  rejected  ');
    expect(stdout).toContain('✗ send  rejected');
    expect(stderr).toContain(
      'error execution_failed: report:one ended as rejected: approval_rejected: cleo: wrong table\n' +
        'fix: see who decided, and why: wflo approval report:one:send:1\n',
    );
  });
});

describe('a budget that somebody is asked to raise', () => {
  const RAISE_ID = 'report:one:budget_raise:1';
  const raise = { limitUsd: 0.1, spentUsd: 0.09, heldUsd: 0, neededUsd: 0.09, byUsd: 0.08 };
  const asked = (fields: Parameters<typeof anApproval>[0] = {}) =>
    anApproval({
      ...{ approvalId: RAISE_ID, kind: 'budget', stepPath: 'plan', groups: [], claims: [], expiresAt: SOON, raise },
      ...{ roles: ['budget-owner', 'administrator'], rendering: 'raises the budget of the execution by $0.08' },
      ...fields,
    });
  const until = `${SOON.slice(0, 10)} ${SOON.slice(11, 19)}Z (in 3 h 1 min)`;
  const decides = (fields: Parameters<typeof anApproval>[0]) => {
    on.routes[`GET /approvals/${RAISE_ID}`] = () => asked();
    on.routes[`POST /approvals/${RAISE_ID}/decision`] = () => asked(fields);
  };

  it('is listed with what is asked of whom', async () => {
    on.routes['GET /approvals'] = () => ({ approvals: [asked(), asked({ raise: { ...raise, agent: 'planner' } })] });
    const { stdout } = await wflo('approvals');
    expect(stdout).toMatch(
      /budget_raise:1 {2}plan {2}one budget-owner or administrator: \$0\.08 more for the execution, whose \$0\.10 do not suffice +ada +3 h 1 min\n/,
    );
    expect(stdout).toContain('$0.08 more for the agent planner, whose $0.10 do not suffice');
  });

  it('is shown', async () => {
    const note = 'an administrator has to decide';
    on.routes[`GET /approvals/${RAISE_ID}`] = () => asked({ note, roles: ['administrator'] });
    const { stdout, stderr } = await wflo('approval', RAISE_ID);
    expect(stdout).toMatch(/ asks +one administrator\n +why them +an administrator has to decide\n/);
    expect(stdout).toMatch(/ for +\$0\.08 more for the execution, whose \$0\.10 do not suffice; report:one\n/);
    expect(stdout).toContain('  raises the budget of the execution by $0.08\n');
    expect(stdout).not.toMatch(/still needs|use before/);
    expect(stderr).toContain(`approve it: wflo approve ${RAISE_ID}`);
  });

  it('is raised by an approval of what was read', async () => {
    decides({ status: 'granted', decisions: [vote('joan')] });
    const { code, stdout } = await wflo('approve', RAISE_ID);
    expect(code).toBe(0);
    expect(on.bodyOf(`POST /approvals/${RAISE_ID}/decision`)).toEqual({ decision: 'approve', payloadHash: HASH });
    expect(stdout).toContain('granted: the budget was raised, and the call that waits goes on\n');
  });

  it('is rejected, and the execution goes on', async () => {
    decides({ status: 'rejected', decisions: [vote('joan', 'reject', 'dear')] });
    const { stdout } = await wflo('reject', RAISE_ID, '--reason', 'dear');
    expect(stdout).toContain('report:one goes on without it: what does not fit is refused\n');
  });

  it('is shown in the status of its execution, with the command', async () => {
    const view = aView({ steps: [aStep('plan', { kind: 'sandbox' })], budgetApprovals: [RAISE_ID] });
    on.routes['GET /executions/report:one'] = () => view;
    on.routes[`GET /approvals/${RAISE_ID}`] = () => asked();
    const { stdout } = await wflo('status', 'report:one', '--local', '--as', 'ada');
    expect(stdout.split('\n').slice(1)).toEqual([
      '  ✓ plan  succeeded  3.2 s',
      `    ${RAISE_ID}: $0.08 more for the execution, whose $0.10 do not suffice; asks one budget-owner or administrator; until ${until}`,
      `    wflo approve ${RAISE_ID} --local --as PERSON`,
      '',
    ]);
    expect(JSON.parse((await wflo('status', 'report:one', '--json')).stdout)).toEqual(view);
  });

  it('is told once to whoever watches the execution', async () => {
    let looks = 0;
    const running = aStep('plan', { kind: 'sandbox', status: 'running', endedAt: null });
    on.routes['POST /executions'] = () => aView({ status: 'running', steps: [running] });
    on.routes['GET /executions/report:one'] = () => {
      looks += 1;
      if (looks < 3) return aView({ steps: [running], budgetApprovals: [RAISE_ID] });
      return aView({ status: 'succeeded', endedAt: '2026-01-01T00:31:00.000Z', steps: [aStep('plan')] });
    };
    on.routes[`GET /approvals/${RAISE_ID}`] = () => asked();
    const { code, stdout } = await wflo('run', 'report', '--wait');
    expect(code).toBe(0);
    expect(stdout.split(`wflo approve ${RAISE_ID}`)).toHaveLength(2);
  });
});
