/**
 * The settings as a flat list, derived from the schema: what the loader, the sample file and the reference
 * walk over. A leaf is whatever is not an object; sections are objects.
 */
import { z } from 'zod';
import { configSchema } from './config-schema.ts';

/** What a text (environment variable or flag) is turned into before it is validated. */
export type SettingKind = 'boolean' | 'number' | 'list' | 'text';

export interface Setting {
  /** Dotted path, as in a flag: `listen.port`. */
  readonly key: string;
  readonly path: readonly string[];
  /** Environment variable: `CONCLAVE_LISTEN_PORT`. */
  readonly variable: string;
  readonly kind: SettingKind;
  /** What values are accepted, in words. */
  readonly accepts: string;
  readonly description: string;
  readonly defaultValue: unknown;
  readonly schema: z.ZodType;
}

export interface Section {
  readonly path: readonly string[];
  readonly description: string;
  readonly entries: readonly (Setting | Section)[];
}

/** The whole tree of settings; the root section has an empty path. */
export function describeSettings(): Section {
  return describeSection(configSchema, [], '');
}

/** Every setting, in the order of the schema. */
export function listSettings(section: Section = describeSettings()): Setting[] {
  return section.entries.flatMap((entry) => (isSection(entry) ? listSettings(entry) : [entry]));
}

export function isSection(entry: Setting | Section): entry is Section {
  return 'entries' in entry;
}

export function variableOf(path: readonly string[]): string {
  const words = path.map((part) => part.replace(/([A-Z])/g, '_$1').toUpperCase());
  return `CONCLAVE_${words.join('_')}`;
}

function describeSection(object: z.ZodObject, path: readonly string[], description: string): Section {
  const entries = Object.entries(object.shape).map(([name, schema]) => {
    const entryPath = [...path, name];
    const about = (schema as z.ZodType).description ?? '';
    const inner = schema instanceof z.ZodPrefault ? schema.unwrap() : schema;
    return inner instanceof z.ZodObject
      ? describeSection(inner, entryPath, about)
      : describeSetting(schema as z.ZodType, entryPath, about);
  });
  return { path, description, entries };
}

function describeSetting(schema: z.ZodType, path: readonly string[], description: string): Setting {
  // The description is set last, so `.describe()` returns the ZodDefault itself with metadata.
  const inner = schema instanceof z.ZodDefault ? (schema.unwrap() as z.ZodType) : schema;
  return {
    key: path.join('.'),
    path,
    variable: variableOf(path),
    kind: kindOf(inner),
    accepts: acceptsOf(inner),
    description,
    defaultValue: schema.parse(undefined),
    schema,
  };
}

function kindOf(schema: z.ZodType): SettingKind {
  if (schema instanceof z.ZodNullable) return kindOf(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodNumber) return 'number';
  if (schema instanceof z.ZodBoolean) return 'boolean';
  if (schema instanceof z.ZodArray) return 'list';
  return 'text';
}

function acceptsOf(schema: z.ZodType): string {
  if (schema instanceof z.ZodNullable) return `${acceptsOf(schema.unwrap() as z.ZodType)}, or null`;
  if (schema instanceof z.ZodNumber) {
    const what = schema.isInt ? 'an integer' : 'a number';
    return `${what} from ${schema.minValue} to ${schema.maxValue}`;
  }
  if (schema instanceof z.ZodBoolean) return 'true or false';
  if (schema instanceof z.ZodEnum) return `one of ${schema.options.join(', ')}`;
  if (schema instanceof z.ZodArray) return 'a list of texts';
  return 'a text';
}
