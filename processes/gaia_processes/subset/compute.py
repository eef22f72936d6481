"""A subset is what all processes begin with, and nothing more: `gaia_processes.shared.cutting`."""

from gaia_processes.shared.cutting.cut import cut

compute = cut
