import type { ApprovalPolicy, Block, Condition, Step, WorkflowDefinition } from '../workflow/definition.ts';
import { refText } from '../workflow/references.ts';
import type { ActingStep } from './steps-of.ts';

/** A place from which the next step is reached, with the label of the arrow. */
interface Exit {
  readonly from: string;
  readonly label: string;
}

interface Drawing {
  readonly lines: readonly string[];
  readonly exits: readonly Exit[];
}

/** The workflow as a Mermaid flowchart, one node a step. Texts of a user are escaped. */
export function graphOf(definition: WorkflowDefinition): string {
  const start: Drawing = { lines: ['  start([start])'], exits: [{ from: 'start', label: '' }] };
  const body = drawBlock(definition.body, start.exits);
  const lines = [...start.lines, ...body.lines, '  done([done])', ...arrows(body.exits, 'done')];
  return `flowchart TD\n${lines.join('\n')}\n`;
}

function drawBlock(block: Block, entries: readonly Exit[]): Drawing {
  return block.reduce<Drawing>(
    (drawn, step) => {
      const next = drawStep(step, drawn.exits);
      return { lines: [...drawn.lines, ...next.lines], exits: next.exits };
    },
    { lines: [], exits: entries },
  );
}

function drawStep(step: Step, entries: readonly Exit[]): Drawing {
  const id = nodeId(step.path);
  const into = arrows(entries, id);
  const out: Exit = { from: id, label: '' };
  switch (step.kind) {
    case 'sandbox':
      return drawActing(step, ['[', `sandbox ${step.image}`, ']'], entries);
    case 'lambda':
      return drawActing(step, ['[[', `lambda, ${step.effects}`, ']]'], entries);
    case 'approval':
      return drawGate(id, step.path, step.approval, entries);
    case 'wait':
      return { lines: [node(id, '(', `${step.path}<br/>wait ${waitText(step.duration)}`, ')'), ...into], exits: [out] };
    case 'when': {
      const whenTrue = drawBlock(step.then, [{ from: id, label: 'yes' }]);
      const whenFalse = drawBlock(step.otherwise, [{ from: id, label: 'no' }]);
      return {
        lines: [
          node(id, '{', `${step.path}<br/>${escapeText(conditionText(step.condition))}`, '}'),
          ...into,
          ...whenTrue.lines,
          ...whenFalse.lines,
        ],
        exits: [...whenTrue.exits, ...whenFalse.exits],
      };
    }
    case 'parallel': {
      const join = `${id}_join`;
      const branches = Object.entries(step.branches).map(([branch, block]) =>
        drawBlock(block, [{ from: id, label: branch }]),
      );
      return {
        lines: [
          node(id, '{{', `${step.path}<br/>parallel`, '}}'),
          ...into,
          ...branches.flatMap(({ lines }) => lines),
          node(join, '{{', 'all done', '}}'),
          ...branches.flatMap(({ exits }) => arrows(exits, join)),
        ],
        exits: [{ from: join, label: '' }],
      };
    }
  }
}

function drawActing(
  step: ActingStep,
  [open, what, close]: readonly [string, string, string],
  entries: readonly Exit[],
): Drawing {
  const { path, approval, requires } = step;
  const id = nodeId(path);
  // No other node begins with `g_`.
  const gate = approval && drawGate(`g_${id}`, `approval of ${path}`, approval, entries);
  const label = [path, what, ...(requires === undefined ? [] : [`approved by ${requires}`])].join('<br/>');
  return {
    lines: [...(gate?.lines ?? []), node(id, open, label, close), ...arrows(gate?.exits ?? entries, id)],
    exits: [{ from: id, label: '' }],
  };
}

function drawGate(id: string, name: string, policy: ApprovalPolicy, entries: readonly Exit[]): Drawing {
  const groups = policy.from.map(({ group, min }) => `${min} of ${escapeText(group)}`).join(' and ');
  const label = `${name}<br/>${groups}<br/>within ${policy.withinSeconds} s, otherwise ${policy.otherwise}`;
  return { lines: [node(id, '[/', label, '/]'), ...arrows(entries, id)], exits: [{ from: id, label: 'approved' }] };
}

function arrows(exits: readonly Exit[], to: string): readonly string[] {
  return exits.map(({ from, label }) => `  ${from} -->${label === '' ? '' : `|${label}|`} ${to}`);
}

/** A prefix, because `end` and other words mean something to Mermaid. */
function nodeId(path: string): string {
  return `s_${path.replaceAll('-', '_')}`;
}

function node(id: string, open: string, label: string, close: string): string {
  return `  ${id}${open}"${label}"${close}`;
}

function waitText(duration: Extract<Step, { kind: 'wait' }>['duration']): string {
  return 'seconds' in duration ? `${duration.seconds} s` : escapeText(refText(duration.secondsFrom));
}

const SIGNS = { eq: '=', ne: '≠', lt: '<', le: '≤', gt: '>', ge: '≥' } as const;

function conditionText(condition: Condition): string {
  if ('condition' in condition) return `not (${conditionText(condition.condition)})`;
  if ('conditions' in condition)
    return condition.conditions.map((part) => `(${conditionText(part)})`).join(` ${condition.op} `);
  const { op, left, right } = condition;
  return `${refText(left)} ${SIGNS[op]} ${typeof right === 'object' ? refText(right) : JSON.stringify(right)}`;
}

/** Mermaid takes character codes between `#` and `;`. */
function escapeText(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9 .,=()_-]/gu, (character) => `#${character.codePointAt(0)};`);
}
