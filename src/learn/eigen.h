/* Eigenvalues of small symmetric matrices. */
#ifndef HG_LEARN_EIGEN_H
#define HG_LEARN_EIGEN_H

/* matrix (n, n), symmetric: afterwards its eigenvalues on the diagonal; vectors (n, n): eigenvectors in columns. */
void hg_symmetric_eigen(double *matrix, double *vectors, int n);

/* Puts eigenvalues and columns of vectors in the order of falling eigenvalues. */
void hg_eigen_sort(double *matrix, double *vectors, int n);

#endif
