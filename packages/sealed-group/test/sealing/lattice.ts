/**
 * Lattice reduction for the attack [F10]: integral LLL (Cohen, "A Course in Computational Algebraic Number Theory",
 * algorithm 2.6.7) and Babai's nearest plane, exact on BigInt, for a dozen dimensions.
 */

/** Integers x[i] of about modulus^(1/n) size with sum of coefficients[i] * x[i] = target (mod modulus). */
export function shortSolution(coefficients: readonly bigint[], target: bigint, modulus: bigint): bigint[] {
  const n = coefficients.length;
  if (coefficients[0] !== 1n) throw new RangeError('the first coefficient must be one');
  // The lattice of solutions for target 0: (modulus, 0, ...) and (-c_i, ..., 1, ...).
  const basis = coefficients.map((coefficient, i) => {
    const row = Array.from({ length: n }, () => 0n);
    row[0] = i === 0 ? modulus : -coefficient;
    if (i > 0) row[i] = 1n;
    return row;
  });
  const reducer = createReducer(basis);
  reducer.reduce();
  return reducer.remainder([target, ...Array.from({ length: n - 1 }, () => 0n)]);
}

function createReducer(b: bigint[][]) {
  const n = b.length;
  // Gram-Schmidt in integers: d[i + 1] is the i-th leading Gram determinant, lambda[i][j] = d[j + 1] * mu[i][j].
  const d: bigint[] = [1n];
  const lambda: bigint[][] = b.map(() => []);

  const project = (vector: readonly bigint[], count: number): bigint[] => {
    const row: bigint[] = [];
    for (let j = 0; j < count; j++) {
      let u = dot(vector, b[j]!);
      for (let i = 0; i < j; i++) u = (d[i + 1]! * u - row[i]! * lambda[j]![i]!) / d[i]!;
      row.push(u);
    }
    return row;
  };
  const extend = (k: number) => {
    lambda[k] = project(b[k]!, k);
    let u = dot(b[k]!, b[k]!);
    for (let i = 0; i < k; i++) u = (d[i + 1]! * u - lambda[k][i]! * lambda[k][i]!) / d[i]!;
    d[k + 1] = u;
  };
  /** Subtracts the multiple of b[l] that makes the coefficient `row[l]` at most one half. */
  const sizeReduce = (vector: bigint[], row: bigint[], l: number) => {
    const q = roundedQuotient(row[l]!, d[l + 1]!);
    if (q === 0n) return;
    for (let i = 0; i < n; i++) vector[i]! -= q * b[l]![i]!;
    row[l]! -= q * d[l + 1]!;
    for (let i = 0; i < l; i++) row[i]! -= q * lambda[l]![i]!;
  };
  const swap = (k: number, last: number) => {
    [b[k], b[k - 1]] = [b[k - 1]!, b[k]!];
    for (let j = 0; j < k - 1; j++) {
      [lambda[k]![j], lambda[k - 1]![j]] = [lambda[k - 1]![j]!, lambda[k]![j]!];
    }
    const l = lambda[k]![k - 1]!;
    const determinant = (d[k - 1]! * d[k + 1]! + l * l) / d[k]!;
    for (let i = k + 1; i <= last; i++) {
      const t = lambda[i]![k]!;
      lambda[i]![k] = (d[k + 1]! * lambda[i]![k - 1]! - l * t) / d[k]!;
      lambda[i]![k - 1] = (determinant * t + l * lambda[i]![k]!) / d[k + 1]!;
    }
    d[k] = determinant;
  };

  return {
    reduce() {
      extend(0);
      let last = 0;
      for (let k = 1; k < n;) {
        if (k > last) {
          extend(k);
          last = k;
        }
        sizeReduce(b[k]!, lambda[k]!, k - 1);
        const l = lambda[k]![k - 1]!;
        if (4n * d[k + 1]! * d[k - 1]! < 3n * d[k]! * d[k]! - 4n * l * l) {
          swap(k, last);
          k = Math.max(1, k - 1);
        } else {
          for (let j = k - 2; j >= 0; j--) sizeReduce(b[k]!, lambda[k]!, j);
          k++;
        }
      }
    },
    /** `vector` minus a lattice vector near it. */
    remainder(vector: readonly bigint[]): bigint[] {
      const rest = [...vector];
      const row = project(rest, n);
      for (let l = n - 1; l >= 0; l--) sizeReduce(rest, row, l);
      return rest;
    },
  };
}

function dot(a: readonly bigint[], b: readonly bigint[]): bigint {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0n);
}

/** a / b to the nearest integer, b > 0. */
function roundedQuotient(a: bigint, b: bigint): bigint {
  const doubled = 2n * a + b;
  const quotient = doubled / (2n * b);
  return doubled < 0n && doubled % (2n * b) !== 0n ? quotient - 1n : quotient;
}
