-- :checkhealth ds4agent
local health = vim.health
local client = require("ds4agent.client")
local config = require("ds4agent.config")

local M = {}

local function program()
  health.start("ds4agent: the program")
  if vim.fn.has("nvim-0.11") == 1 then
    health.ok("Neovim " .. tostring(vim.version()))
  else
    health.error("Neovim 0.11 or later is needed", { "This is " .. tostring(vim.version()) })
  end
  local command = require("ds4agent.server").command()
  if not command then
    return health.error("ds4agent was not found", { require("ds4agent.server").INSTALL })
  end
  local done = vim.system({ command[1], "--version" }, { text = true }):wait(10000)
  if done.code == 0 then
    health.ok(("%s: %s"):format(vim.fn.exepath(command[1]), vim.trim(done.stdout)))
  else
    health.error(("%s --version fails: %s"):format(command[1], vim.trim(done.stderr)))
  end
end

local function server()
  health.start("ds4agent: the language server")
  local found = client.get()
  if not found then
    return health.warn(
      "it does not run",
      { "It starts with the first file; `require('ds4agent').setup{}` has to be called" }
    )
  end
  health.ok(("it runs, and has %d buffers"):format(vim.tbl_count(found.attached_buffers)))
  local reply = found:request_sync("ds4/status/get", vim.empty_dict(), 3000)
  if reply and reply.result then
    local said = require("ds4agent.status").describe(reply.result)
    local say = reply.result.phase == "lost" and health.warn or health.ok
    say("it is " .. said)
  else
    health.error("it does not answer", { "`:Ds4 log` may say why" })
  end
end

local function mapped()
  for action, plug in pairs(config.actions) do
    if
      vim.startswith(action, "accept") and (config.options.keys[action] or vim.fn.hasmapto(plug, "i") == 1)
    then
      return true
    end
  end
  return false
end

local function editor()
  health.start("ds4agent: the editor")
  if mapped() then
    health.ok("a key accepts ghost text")
  else
    health.warn("no key accepts ghost text", { "require('ds4agent').setup({ keys = { accept = '<Tab>' } })" })
  end
  if pcall(vim.treesitter.language.inspect, "markdown") then
    health.ok("treesitter's markdown parser colours chats")
  else
    health.info("without treesitter's markdown parser, chats have Vim's own colours for markdown")
  end
end

function M.check()
  program()
  server()
  editor()
end

return M
