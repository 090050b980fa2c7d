-- ds4agent for Neovim: |ds4agent| has the manual. This is what users call; the rooms below do the work.
local M = {}

local group = vim.api.nvim_create_augroup("ds4agent", {})

-- Keys that the user chose do what they did before while no ghost text is shown.
local function map(action, key)
  local plug = require("ds4agent.config").actions[action]
  vim.keymap.set(
    "i",
    key,
    function() return (action == "complete" or require("ds4agent.ghost").visible()) and plug or key end,
    { expr = true, remap = true, replace_keycodes = true, desc = "ds4agent: " .. action }
  )
end

local function highlights()
  local like = vim.fn.hlexists("ComplHint") == 1 and "ComplHint" or "NonText"
  vim.api.nvim_set_hl(0, "Ds4Ghost", { link = like, default = true })
end

--- Start it: the language server for every file that is edited, and ghost text while one types.
---@param options? ds4agent.Options
function M.setup(options)
  local config = require("ds4agent.config")
  config.set(options)
  highlights()
  vim.api.nvim_clear_autocmds({ group = group })
  vim.api.nvim_create_autocmd("ColorScheme", { group = group, callback = highlights })
  for action, key in pairs(config.options.keys) do
    map(action, key)
  end
  require("ds4agent.ghost").watch(group)
  require("ds4agent.signals").watch(group)
  require("ds4agent.server").setup(group)
end

--- For a statusline: what the model is doing, in a few words; empty when there is nothing to say.
---@return string
function M.statusline() return require("ds4agent.status").line() end

--- Whether ghost text is shown.
---@return boolean
function M.visible() return require("ds4agent.ghost").visible() end

return M
