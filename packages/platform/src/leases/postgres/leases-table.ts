/**
 * The table of leases and every statement on it. Times are the database's: the clocks of processes may differ.
 *
 * A lease is free when there is no row, when its time is over, or when the session of its holder is gone: each process
 * holds an advisory lock, named by a random number, as long as its connection lives, and PostgreSQL drops it the moment
 * that the connection ends. Rows are never deleted, for they remember the token.
 */
import { sql, type Transaction } from 'kysely';

/** Told with the name of a lease when it is released. */
export const releaseChannel = 'conclave_leases';

export async function createLeasesTable(db: Transaction<unknown>): Promise<void> {
  await sql`create table leases (
    name text primary key,
    holder text not null,
    session bigint not null,
    token bigint not null,
    expires_at timestamptz not null
  )`.execute(db);
}

/** In the session that takes it, every lock is free: whoever asks for a name does not hold it. */
const isFree = `(leases.expires_at <= clock_timestamp() or pg_try_advisory_xact_lock_shared(leases.session))`;
const inMs = (parameter: string) => `clock_timestamp() + ${parameter} * interval '1 millisecond'`;

/** $1 session. Held until the connection ends. */
export const lockSession = `select pg_advisory_lock($1::bigint)`;

export const listenForReleases = `listen ${releaseChannel}`;

/** $1 names. Changes nothing, so that many may ask often. */
export const findFree = `
  select wanted.name from unnest($1::text[]) as wanted(name) left join leases on leases.name = wanted.name
  where leases.name is null or ${isFree}`;

/** $1 name, $2 holder, $3 session, $4 length in milliseconds. No row: somebody else was faster. */
export const take = `
  insert into leases (name, holder, session, token, expires_at) values ($1, $2, $3, 1, ${inMs('$4')})
  on conflict (name) do update set
    holder = excluded.holder, session = excluded.session, token = leases.token + 1, expires_at = ${inMs('$4')}
  where ${isFree}
  returning token`;

/** $1 session, $2 length in milliseconds, $3 names, $4 their tokens. Returns those that are still ours. */
export const renew = `
  update leases set expires_at = ${inMs('$2')}
  from unnest($3::text[], $4::bigint[]) as held(name, token)
  where leases.name = held.name and leases.token = held.token and leases.session = $1
  returning leases.name`;

/** $1 session, $2 names, $3 their tokens. */
export const release = `
  with released as (
    update leases set expires_at = clock_timestamp()
    from unnest($2::text[], $3::bigint[]) as held(name, token)
    where leases.name = held.name and leases.token = held.token and leases.session = $1
    returning leases.name
  )
  select pg_notify('${releaseChannel}', name) from released`;

/** $1 session. */
export const listHeld = `
  select name, holder, token,
    round(extract(epoch from expires_at - clock_timestamp()) * 1000)::bigint as expires_inMs
  from leases
  where expires_at > clock_timestamp() and (session = $1 or not pg_try_advisory_xact_lock_shared(session))
  order by name`;
