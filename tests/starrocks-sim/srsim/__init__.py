# SPDX-License-Identifier: Apache-2.0
"""A strict double of StarRocks' Stream Load, label and metadata interfaces, for tests."""
