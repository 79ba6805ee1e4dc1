/**
 * Queries of hot paths, built and compiled once. Building a query with kysely costs several times what SQLite takes to
 * run it; what is prepared pays that once and then only binds values.
 *
 *   const findGroup = store.prepare((db, value: { readonly groupId: string }) =>
 *     db.selectFrom('sealed_groups').select('epoch').where('group_id', '=', value.groupId));
 *   const [row] = await findGroup.read({ groupId });
 *
 * An adapter turns a definition into the text of its engine and the order of its values (`compilePrepared`) and keeps
 * one statement of it per connection.
 */
import type {
  Compilable,
  CompiledQuery,
  DeleteResult,
  InsertResult,
  QueryCreator,
  Transaction,
  UpdateResult,
} from 'kysely';

/**
 * Builds the query. Called once: `values` holds stand-ins of the declared types, which may be given to the builder in
 * place of a value, and not be looked at.
 */
export type PreparedDefinition<DB, Values, Result> = (
  db: QueryCreator<DB>,
  values: Values,
) => Compilable<Result>;

/** What a query gives back: without `returning`, no rows. */
export type RowOf<Result> = Result extends InsertResult | UpdateResult | DeleteResult ? never : Result;

export interface PreparedQuery<DB, Values, Row> {
  /** Rows of the last committed state, as `store.db` sees it. For queries that change nothing. */
  read(values: Values): Promise<Row[]>;
  /** The same for each of `list`, in its order, on one state and with one round trip. */
  readEach(list: readonly Values[]): Promise<Row[][]>;
  /** Rows that the query gives in the unit of `trx`, as `trx` itself would run it. */
  run(trx: Transaction<DB>, values: Values): Promise<Row[]>;
  /** Runs the query for each of `list`, in its order, and drops its rows. Rejects with the first failure, after which none is run. */
  runEach(trx: Transaction<DB>, list: readonly Values[]): Promise<void>;
}

/** A definition in the text of an engine: `bind` puts values into the order of the text's parameters. */
export interface CompiledPrepared<Values> {
  readonly query: CompiledQuery;
  readonly bind: (values: Values) => unknown[];
}

/** `db` has the engine's compiler; it is not asked to run anything. */
export function compilePrepared<DB, Values extends object, Result>(
  db: QueryCreator<DB>,
  define: PreparedDefinition<DB, Values, Result>,
): CompiledPrepared<Values> {
  const query = define(db, standIns as Values).compile();
  const parameters = query.parameters.map((parameter) =>
    parameter instanceof StandIn
      ? { name: parameter.name as keyof Values, constant: undefined }
      : { name: undefined, constant: parameter },
  );
  return {
    query,
    bind: (values) => parameters.map(({ name, constant }) => (name === undefined ? constant : values[name])),
  };
}

/** Stands in the built query where a value will be. Kysely takes it for a value of no special kind. */
class StandIn {
  readonly name: string | symbol;

  constructor(name: string | symbol) {
    this.name = name;
  }
}

/** A stand-in by every name. */
const standIns: object = new Proxy({}, { get: (_, name) => new StandIn(name) });
