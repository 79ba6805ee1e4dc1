/** The tags written by hand are those of the schema. */
import { ScalarType } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { fieldTags } from '../../src/wire/field-tags.ts';
import { file_sealed_group } from '../../src/wire/gen/sealed_group_pb.js';

const isSized = (scalar: ScalarType): boolean => scalar === ScalarType.BYTES || scalar === ScalarType.STRING;

test('every field of every message has its number and wire type', () => {
  const ofSchema = Object.fromEntries(
    file_sealed_group.messages.map(({ name, fields }) => [
      name,
      Object.fromEntries(
        fields.map((field) => {
          const isNumber =
            field.fieldKind === 'enum' || (field.fieldKind === 'scalar' && !isSized(field.scalar));
          return [field.localName, (field.number << 3) | (isNumber ? 0 : 2)];
        }),
      ),
    ]),
  );
  expect(fieldTags).toEqual(ofSchema);
});
