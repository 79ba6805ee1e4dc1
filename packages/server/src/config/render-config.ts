/** The sample file and the reference, generated from the schema. */
import { stringify } from 'yaml';
import { markdownTable } from '../markdown/markdown-table.ts';
import { describeSettings, isSection, type Section, type Setting } from './config-settings.ts';

/** A YAML file with every setting, its meaning and its default, all commented out. */
export function renderSampleConfig(): string {
  const lines = [
    '# Conclave configuration. Every setting is shown with its default; uncomment what you change.',
    '# Environment variables and flags override this file: docs/configuration.md.',
    '# Check a file with: conclave config check FILE',
    '',
  ];
  renderSampleSection(describeSettings(), '', lines);
  return `${lines.join('\n').trimEnd()}\n`;
}

/** docs/configuration.md. */
export function renderConfigReference(): string {
  const root = describeSettings();
  const lines = [
    '# Configuration',
    '',
    '<!-- Generated from packages/server/src/config/config-schema.ts; a test compares it. Do not edit. -->',
    '',
    'Conclave runs without any configuration. A value is looked for in this order, and the last one found counts:',
    '',
    '1. the default,',
    '2. a YAML file: `--config FILE`, else the file named by `CONCLAVE_CONFIG`, else `./conclave.yaml` if it exists,',
    '3. the environment variable,',
    '4. a flag, `--KEY=VALUE` with the dotted key, e.g. `--listen.port=9000`. Lists are separated by commas.',
    '',
    'An unknown key or a bad value stops the start, and all problems are shown together. Variables that begin with',
    '`CONCLAVE_CHAT_`, `CONCLAVE_DEMO_`, `CONCLAVE_TEST_` or `CONCLAVE_CHROMIUM` belong to other programs and are ignored.',
    '`conclave config sample` prints a file with every setting; `conclave config check FILE` checks one.',
    '',
    'No secret is a setting: keys are generated at first start into `secrets.json` in the data directory, readable',
    'by its owner only.',
    '',
    'Times are in milliseconds (`…Ms`), sizes in octets (`…Bytes`).',
    '',
    '## Top level',
  ];
  renderTable(settingsOf(root), lines);
  renderReferenceSections(root, lines);
  return `${lines.join('\n').trimEnd()}\n`;
}

function renderSampleSection(section: Section, indent: string, lines: string[]): void {
  for (const entry of section.entries) {
    for (const line of wrap(entry.description, 100 - indent.length)) lines.push(`${indent}# ${line}`);
    const name = entry.path.at(-1) ?? '';
    if (isSection(entry)) {
      lines.push(`# ${indent}${name}:`.trimEnd());
      renderSampleSection(entry, `${indent}  `, lines);
    } else {
      const note = humanUnit(entry);
      lines.push(`# ${indent}${name}: ${inlineValue(entry.defaultValue)}${note === '' ? '' : `  # ${note}`}`);
    }
    if (indent === '') lines.push('');
  }
}

function renderReferenceSections(section: Section, lines: string[]): void {
  for (const entry of section.entries) {
    if (!isSection(entry)) continue;
    lines.push('', `${'#'.repeat(entry.path.length + 1)} \`${entry.path.join('.')}\``, '', entry.description);
    renderTable(settingsOf(entry), lines);
    renderReferenceSections(entry, lines);
  }
}

function settingsOf(section: Section): Setting[] {
  return section.entries.filter((entry): entry is Setting => !isSection(entry));
}

function renderTable(settings: readonly Setting[], lines: string[]): void {
  if (settings.length === 0) return;
  const rows = settings.map((setting) => {
    const note = humanUnit(setting);
    const shownDefault = `\`${inlineValue(setting.defaultValue)}\`${note === '' ? '' : ` (${note})`}`;
    return [
      `\`${setting.key}\``,
      `\`${setting.variable}\``,
      shownDefault,
      setting.accepts,
      setting.description,
    ];
  });
  lines.push('', ...markdownTable(['key', 'environment', 'default', 'accepts', 'meaning'], rows));
}

function inlineValue(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow' }).trim();
}

/** A reader's version of a number with a unit: 3600000 ms is `1 h`. */
function humanUnit({ key, defaultValue }: Setting): string {
  if (typeof defaultValue !== 'number') return '';
  const units = key.endsWith('Ms')
    ? ([
        ['d', 86_400_000],
        ['h', 3_600_000],
        ['min', 60_000],
        ['s', 1_000],
      ] as const)
    : key.endsWith('Bytes')
      ? ([
          ['MiB', 1_048_576],
          ['KiB', 1_024],
        ] as const)
      : [];
  const unit = units.find(([, size]) => defaultValue >= size && defaultValue % size === 0);
  return unit === undefined ? '' : `${defaultValue / unit[1]} ${unit[0]}`;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return line === '' ? lines : [...lines, line];
}
